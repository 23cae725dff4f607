// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// Something about a series that can be tied to a line of a file: what code quality and annotations are made of.
struct LineFinding {
  /// The weightiest first.
  enum Kind: String, CaseIterable {
    case doesNotApply = "does-not-apply"
    case doesNotBuild = "does-not-build"
    case kernelReport = "kernel-report"
    case newWarning = "new-warning"
    /// No test ran it, or took one of its ways.
    case notRun = "line-not-run"
    /// Whether it runs cannot be told in this configuration.
    case notSeen = "line-not-seen"
  }

  var kind: Kind
  /// Relative to the tree's root.
  var file: String
  /// After the series, from 1. Of a patch that does not apply: in the file that it does not apply to.
  var line: Int
  /// The last line.
  var end: Int
  /// One line of untrusted text.
  var words: String
  /// The part of the words that stays the same when the line moves.
  var lasting: String
  /// What found it, if it is not the build or the guest: `sparse`.
  var tool: String?
  var series: String
  /// `linux-6.12/kasan`
  var cells: [String]

  /// - Returns: `nil` if the path leads out of the tree.
  init?(
    _ kind: Kind, _ file: String, _ line: Int, _ words: String, lasting: String, tool: String? = nil,
    of entry: ToldRuns.Entry
  ) {
    guard !file.isEmpty, !file.utf8.starts(with: "/".utf8), !file.split(separator: "/").contains("..") else {
      return nil
    }
    self.kind = kind
    self.file = file
    self.line = max(1, line)
    end = self.line
    self.words = words
    self.lasting = lasting
    self.tool = tool
    series = entry.judgement.series.name
    cells = [entry.cell]
  }

  /// `new-warning`, `sparse`
  var check: String { tool ?? kind.rawValue }

  /// `share on linux-6.12/kasan and linux-6.1/kasan: no test ran it`
  /// - Parameter isInSeveral: whether there are several cells, so that the reader has to know in which.
  func sentence(isInSeveral: Bool) -> String {
    "\(series)\(isInSeveral ? " on \(Summary.list(cells, separator: ", "))" : ""): \(words)"
  }
}

/// All findings of some runs, the weightiest first, each once for all cells in which it is the same.
enum LineFindings {
  static func all(_ runs: ToldRuns) -> [LineFinding] {
    let found = runs.entries.flatMap { LineFindingSearch($0).all }
    let merged = found.grouped(by: Key.init).map { group in
      var first = group.elements[0]
      first.cells = group.elements.flatMap(\.cells).grouped { $0 }.map(\.key)
      return first
    }
    return LineFinding.Kind.allCases.flatMap { kind in merged.filter { $0.kind == kind } }
  }

  private struct Key: Hashable {
    var kind: LineFinding.Kind
    var file: String
    var lines: [Int]
    var words: String
    var series: String

    init(_ finding: LineFinding) {
      kind = finding.kind
      file = finding.file
      lines = [finding.line, finding.end]
      words = "\(finding.check): \(finding.words)"
      series = finding.series
    }
  }
}
