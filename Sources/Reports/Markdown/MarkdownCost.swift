// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// "Where the time went" for a mail: bars of characters, which need no colour, and the numbers.
struct MarkdownCost {
  /// The section's paragraphs; empty if no time is known.
  private(set) var parts: [String] = []

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let cost = Cost(record, judgements)
    if cost.isEmpty { return }
    parts = [
      "## Where the time went", Words.summary(record, judgements), Markdown.block(Self.picture(cost)), Self.table(cost),
    ]
    if cost.rows.contains(where: \.isReused) { parts.append(Words.reusedTimes) }
  }

  /// Eight shades cannot be told apart; four can.
  private static let shades: [(Character, [CostStep])] = [
    ("░", [.apply, .configure]), ("█", [.compile, .link, .examine]), ("▒", [.start, .boot]),
    ("▓", [.tests, .collect, .base, .blame]),
  ]

  /// Together with the longest name and time, this is 76 columns: one line of a mail, once quoted.
  private static let nameWidth = 24
  private static let barWidth = 40

  private static func picture(_ cost: Cost) -> [String] {
    let rows = cost.trialRows.map { row in
      (name: Columns.cut(visible(row.name), to: nameWidth), bar: bar(row, cost.longest), time: time(row))
    }
    let width = rows.map { Columns.width(of: $0.name) }.max() ?? 0
    let lines = rows.map { row in
      "\(Columns.pad(row.name, to: width))  \(Columns.pad(row.bar, to: barWidth))  \(row.time)"
    }
    let key = shades.map { "\($0) \($1.map(\.rawValue).joined(separator: "+"))" }
    // Two lines: one would be wider than a mail.
    return lines + ["", key[..<2].joined(separator: "  "), key[2...].joined(separator: "  ")]
  }

  /// Each part ends at the rounded running sum, so that rounding errors do not add up.
  private static func bar(_ row: Cost.Row, _ longest: Double) -> String {
    var bar = ""
    var seconds = 0.0
    for (shade, steps) in shades {
      for step in steps { seconds += row.spent.first { $0.label == step.rawValue }?.seconds ?? 0 }
      let end = longest > 0 ? Int((seconds / longest * Double(barWidth)).rounded()) : 0
      bar += String(repeating: shade, count: max(0, end - bar.count))
    }
    return bar
  }

  private static func time(_ row: Cost.Row) -> String {
    row.isReused ? "reused" : Words.duration(row.total)
  }

  private static func table(_ cost: Cost) -> String {
    let labels = CostStep.allCases.map(\.rawValue)
    let rows = (cost.trialRows + [cost.trials]).map { row in
      let name = if case .series = row.subject { Markdown.cell(row.name) } else { row.name }
      return [row.isReused ? "\(name) (reused)" : name]
        + (labels.map(row.seconds) + [row.total]).map(Words.hundredths)
    }
    return Markdown.table(["Seconds"] + labels + ["total"], rows, numbers: Set(1...labels.count + 1))
  }
}
