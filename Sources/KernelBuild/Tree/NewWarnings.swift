// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelCode
import KernelText
public import SystemPackage
import Toolbox

/// A series with more new warnings than this has been told enough.
private let mostWarnings = 50
/// In bytes.
private let longestLog: Int64 = 64 << 20

extension SeriesTree {
  /// Returns the warnings of the series' build that the base's build does not have, each with the patch it comes from.
  /// - Parameters:
  ///   - logs: of the build, and before it that of an underlying tree.
  ///   - later: the files that were compiled after the first log was written, if there are two.
  ///   - diffs: one per patch of the series, absolute paths.
  public func newWarnings(
    in logs: [FilePath], after later: Set<String> = [], of series: PatchSeries, diffs: [FilePath]
  ) -> [Diagnostic] {
    let root = base.tree.string
    func warnings(_ log: FilePath) -> [Diagnostic] {
      regularContents(log, most: longestLog).map { CompilerOutput.warnings(in: $0, tree: root) } ?? []
    }
    var found = logs.dropLast().flatMap(warnings).filter { $0.file.map { !later.contains($0) } ?? true }
    found += logs.last.map(warnings) ?? []
    return added(found, to: found.isEmpty ? [] : warnings(base.log), of: series, diffs: diffs)
  }

  /// Returns those of the warnings that the base does not have, each with the patch it comes from.
  func added(
    _ found: [Diagnostic], to known: [Diagnostic], of series: PatchSeries, diffs: [FilePath]
  ) -> [Diagnostic] {
    if found.isEmpty { return [] }
    let own = AddedLines(series, diffs)
    let texts = Set(found.compactMap(\.file)).reduce(into: [:]) { $0[$1] = lines(of: $1) }
    func text(_ file: String, _ line: Int) -> String? {
      texts[file].flatMap { $0.indices.contains(line - 1) ? $0[line - 1] : nil }
    }
    let new = CompilerOutput.added(found, to: known) { file, line in
      text(file, line).map { own.patch(of: file, $0) != nil } ?? false
    }
    let named = new.prefix(mostWarnings).map { warning in
      var warning = warning
      if let file = warning.file, let line = warning.line, let text = text(file, line) {
        warning.patch = own.patch(of: file, text)
      }
      return warning
    }
    let rest = CompilerOutput.blame(named, on: series.patches)
    return zip(named, rest).map { $0.patch == nil ? $1 : $0 }
  }

  private func lines(of file: String) -> [String] {
    (contents(file) ?? []).split(separator: 0x0a, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

/// The lines that the patches of a series add.
private struct AddedLines {
  /// By file: the text of each line, and the last patch that adds it.
  private var patches: [String: [String: String]] = [:]

  init(_ series: PatchSeries, _ diffs: [FilePath]) {
    for (patch, diff) in zip(series.patches, diffs) {
      guard let text = regularContents(diff, most: longestLog) else { continue }
      for file in UnifiedDiff.parse(String(decoding: text, as: UTF8.self)) {
        for line in file.hunks.flatMap(\.lines) where line.kind == .added {
          patches[file.path, default: [:]][line.text] = patch.file
        }
      }
    }
  }

  func patch(of file: String, _ text: String) -> String? { patches[file]?[text] }
}
