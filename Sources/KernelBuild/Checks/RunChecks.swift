// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

private let checkTime = Duration.seconds(900)
/// In bytes.
private let longestOutput: Int64 = 64 << 20

extension SeriesTree {
  /// Runs the profile's checks on what a series touches, and returns what they say of it and not of the base.
  ///
  /// It builds nothing in this tree, which must not change meanwhile.
  /// - Parameters:
  ///   - diffs: one per patch of the series, absolute paths.
  ///   - known: what the build itself said. Some checks compile, and say it again.
  ///   - log: returns where the output of a check goes, by its name.
  ///   - scratch: a directory of the caller's, on the same file system as the cache.
  /// - Throws: ``StageError`` if a check did not do its work; ``ToolError``.
  public func checkWarnings(
    of series: PatchSeries, diffs: [FilePath], besides known: [Diagnostic], jobs: Int, scratch: FilePath,
    log: (String) -> FilePath
  ) async throws -> [Diagnostic] {
    let checks = base.profile.checks
    if checks.isEmpty { return [] }
    // What a check compiles must not replace what was built.
    let after = try await beside(scratch, over: self)
    // Made only when a check has found something.
    var before: SeriesTree?
    let objects = try checkedObjects(of: series)
    let formerly = objects.filter { regularContents(base.tree.pushing(FilePath($0))) != nil }
    var said = Set(known.map(\.withoutTool))
    var found: [Diagnostic] = []
    for check in checks {
      let log = log(check.name)
      var new: [Diagnostic]
      if case .patches(let words) = check.way {
        let tool = after.wrap(Tool(words[0], words.dropFirst() + diffs.map(\.string)), reading: diffs)
        new = try await after.findings(check, tool, log).map { diffs.own($0, of: series) }
      } else {
        if objects.isEmpty { continue }
        new = try await after.findings(check, after.tool(check, objects, compiled(by: series), jobs), log)
        var old: [Diagnostic] = []
        if !new.isEmpty, !formerly.isEmpty {
          let tree = if let before { before } else { try await beside(scratch, over: nil) }
          before = tree
          old = try await tree.findings(
            check, tree.tool(check, formerly, .shared, jobs), FilePath(log.string + ".base"))
        }
        new = added(new, to: old, of: series, diffs: diffs)
      }
      found += new.filter { said.insert($0.withoutTool).inserted }
    }
    return found
  }

  private func beside(_ scratch: FilePath, over layer: SeriesTree?) async throws -> SeriesTree {
    let place = scratch.appending(layer == nil ? "checked-base" : "checked")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    return try await SeriesTree.make(base, over: layer, method: overlayMethod ?? .copy, cage: cage, scratch: place)
  }

  /// The objects of the touched sources that are compiled in this configuration, and for each touched header one object
  /// that reads it.
  private func checkedObjects(of series: PatchSeries) throws -> [String] {
    let paths = Set(series.patches.flatMap(\.paths))
    let recorded = try RecordedBuild(base.records, about: paths)
    let objects = paths.flatMap { path -> [String] in
      if path.hasSuffix(".c") { return ["\(path.dropLast(2)).o"] }
      return recorded.readers[path]?.map { recorded.objects[$0].path }.min().map { [$0] } ?? []
    }
    // They become words of a command, and make takes some words for options and variables.
    return Set(objects).filter { $0.hasSuffix(".o") && Self.isPlainWord($0) && file($0) != nil }.sorted()
  }

  private static func isPlainWord(_ text: String) -> Bool {
    text.first != "-" && text.utf8.allSatisfy { Self.plain.contains($0) }
  }

  private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./".utf8)

  /// The command that checks the sources of some objects.
  private func tool(_ check: SourceCheck, _ objects: [String], _ compiled: Compiled, _ jobs: Int) -> Tool {
    switch check.way {
    case .kbuild(let variables):
      // Checks end with an error for what they find; the other sources are still to be checked.
      return wrap(base.kbuild.make(["-k", "-j\(jobs)"] + variables + objects, in: nil), compiled: compiled)
    case .sources(let words), .patches(let words):
      let sources = objects.map { "\($0.dropLast(2)).c" }
      var tool = Tool(words[0], words.dropFirst() + sources)
      tool.environment["JOBS"] = "\(jobs)"
      return wrap(tool)
    }
  }

  /// What a check says.
  private func findings(_ check: SourceCheck, _ tool: Tool, _ log: FilePath) async throws -> [Diagnostic] {
    let status = try await tool.run(log: log, deadline: checkTime) { _ in }
    let found = CheckOutput.findings(
      in: regularContents(log, most: longestOutput) ?? [], by: check.name, tree: base.tree.string)
    // Each check has its own status for having found something.
    if !status.isSuccess, found.isEmpty {
      throw StageError.fault(.build, "\(check.name) \(status.words) and found nothing", advice: "see \(log)")
    }
    return found
  }
}

extension Diagnostic {
  fileprivate var withoutTool: Diagnostic {
    Diagnostic(file: file, line: line, message: message)
  }
}

extension [FilePath] {
  /// checkpatch names a patch by its file if a finding is in none of the source files.
  fileprivate func own(_ finding: Diagnostic, of series: PatchSeries) -> Diagnostic {
    var finding = finding
    if let index = firstIndex(where: { $0.string == finding.file }) {
      finding.file = nil
      finding.line = nil
      finding.patch = series.patches[index].file
      return finding
    }
    return CompilerOutput.blame([finding], on: series.patches)[0]
  }
}
