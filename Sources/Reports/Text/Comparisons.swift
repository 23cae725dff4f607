// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// The range-diffs of a run, in each format.
enum Comparisons {
  static func heading(_ diff: RangeDiff) -> String { "Range-diff: \(diff.older) and \(diff.newer)" }

  static func remark(_ diff: RangeDiff) -> String? {
    diff.remark.map { diff.lines.isEmpty ? "There is none: \($0)." : "\($0.prefix(1).uppercased())\($0.dropFirst())." }
  }

  /// The sections of `report-details.md`.
  static func markdown(_ header: RunHeader) -> [String] {
    (header.rangeDiffs ?? []).flatMap { diff in
      ["## \(Markdown.escape(heading(diff)))"] + (remark(diff).map { [Markdown.escape($0)] } ?? [])
        + (diff.lines.isEmpty ? [] : [Markdown.block(diff.lines)])
    }
  }
}

/// One range-diff of `report.html`.
struct HTMLComparison {
  var comparisonTitle: String
  /// None or one.
  var comparisonRemarks: [String]
  /// The text of the range-diff; none or one.
  var comparisonTexts: [String]

  init(_ diff: RangeDiff) {
    comparisonTitle = visible(Comparisons.heading(diff))
    comparisonRemarks = Comparisons.remark(diff).map { [visible($0)] } ?? []
    comparisonTexts = diff.lines.isEmpty ? [] : [visible(diff.lines).joined(separator: "\n")]
  }
}

/// One range-diff of `report.json`.
struct RangeDiffDocument: Encodable {
  var older: String
  var newer: String
  var lines: [String]
  @ExplicitNull var remark: String?

  init(_ diff: RangeDiff) {
    older = diff.older
    newer = diff.newer
    lines = diff.lines
    remark = diff.remark
  }
}
