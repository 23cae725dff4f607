// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelCode
import KernelText
public import SystemPackage
import Toolbox

extension SeriesTree {
  /// Compiles what each patch touches, with the patches up to it, and links where that may fail. The last one is left
  /// out, because the whole series is built elsewhere.
  ///
  /// This tree must be a fresh one on the base. Afterwards it must not be used any more.
  /// - Parameters:
  ///   - diffs: one per patch, absolute paths.
  ///   - log: returns where the output for a patch goes, by its number from 1.
  /// - Returns: the first patch after which the tree does not compile; `nil` if there is none.
  public func compileEachPatch(
    of series: PatchSeries, diffs: [FilePath], jobs: Int, log: (Int) -> FilePath
  ) async throws -> BuildFailure? {
    var compiled: Set<String> = []
    for number in 1..<max(1, series.patches.count) {
      var one = series
      one.patches = [series.patches[number - 1]]
      if let refused = try await apply(one, diffs: [diffs[number - 1]]) {
        throw StageError.fault(.apply, "\(refused.patch.file) applied before, and now does not: \(refused.message)")
      }
      var sofar = series
      sofar.patches = Array(series.patches.prefix(number))
      let log = log(number)
      guard var failure = try await compile(one, sofar, &compiled, jobs: jobs, log: log) else { continue }
      let patch = series.patches[number - 1]
      let place = series.place(of: number)
      failure.after = BuildFailure.Place(
        number: place.number, count: place.count, subject: patch.subject, patch: patch.file)
      failure.after?.from = place.from
      if !failure.diagnostics.contains(where: { $0.patch != nil }) {
        for index in failure.diagnostics.indices { failure.diagnostics[index].patch = patch.file }
      }
      return failure
    }
    return nil
  }

  /// - Parameters:
  ///   - one: the last patch.
  ///   - sofar: all patches up to it.
  ///   - compiled: the objects that were compiled here. The base's records do not know what they read by now.
  private func compile(
    _ one: PatchSeries, _ sofar: PatchSeries, _ compiled: inout Set<String>, jobs: Int, log: FilePath
  ) async throws -> BuildFailure? {
    let paths = Set(one.patches.flatMap(\.paths))
    let reach = try base.reach(of: paths, stays: { file($0) != nil })
    switch reach {
    case .nothing, .objects:
      var objects: [String] = []
      if case .objects(let found, _) = reach { objects = found }
      if paths.contains(where: { $0.hasSuffix(".h") }) { objects = Set(objects).union(compiled).sorted() }
      if objects.isEmpty { return nil }
      compiled.formUnion(objects)
      guard let status = try await replay(objects, of: paths, jobs: jobs, log: log) else { break }
      if status.isSuccess {
        if try !mayNotLink(compiled) { return nil }
        break
      }
      let found = try failure(status, log: log, of: sofar)
      if !found.diagnostics.isEmpty { return found }
    case .tree: break
    }
    // Makefiles, Kconfig and new files: only kbuild knows what they change. It is also what links.
    switch try await configureAgain(sofar, settings: []) {
    case .failed(let failure): return failure
    // What the profile asks for is missing until a later patch brings it back, if one does.
    case .asked, .dropped: break
    }
    let image = base.profile.image.rawValue
    if try await buildLayer(sofar, target: image, jobs: jobs, log: log, progress: { _ in }) { return nil }
    return try failure(.exited(2), log: log, of: sofar)
  }

  /// Whether the image may not link with these objects. A link takes many times what compiling one object takes.
  private func mayNotLink(_ objects: Set<String>) throws -> Bool {
    var before: [LinkSymbols] = []
    var after: [LinkSymbols] = []
    for object in objects {
      let old = regularContents(base.tree.pushing(FilePath(object)))
      before.append(old.flatMap(LinkSymbols.init(object:)) ?? LinkSymbols())
      guard let new = contents(object).flatMap(LinkSymbols.init(object:)) else { return true }
      after.append(new)
    }
    return LinkSymbols.mayFail(before: before, after: after, map: contents("System.map"))
  }

  /// Runs kbuild's recorded commands for some objects.
  /// - Returns: `nil` if it recorded none for one of them.
  private func replay(
    _ objects: [String], of paths: Set<String>, jobs: Int, log: FilePath
  ) async throws -> ToolStatus? {
    let commands = ReplayMakefile(compiling: objects, preprocesses: takesBytesIn(objects, of: paths)) {
      RecordedBuild.command(of: $0, in: base.tree)
    }
    guard let commands else { return nil }
    let makefile = scratch.appending("patch.mk")
    try Data(commands.text.utf8).write(to: URL(filePath: makefile.string))
    return try await wrap(
      Tool(
        "make", ["-rR", "--no-print-directory", "-j\(jobs)", "-f", makefile.string], environment: recordedEnvironment),
      // These are the base's own commands, none of the series'.
      reading: [makefile], compiled: .shared
    ).run(log: log, deadline: deadline) { _ in }
  }
}
