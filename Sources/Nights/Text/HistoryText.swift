// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
public import History
internal import Reports
internal import Verdicts

/// What the history says of one thing, as text for a terminal.
public enum HistoryText {
  /// The last trial of each series in each cell.
  public static func latest(_ trials: [ToldTrial], width: Int = 80) -> String {
    table(
      ["SERIES", "KERNEL", "VERDICT", "WHEN"],
      trials.map { [$0.name, cell($0.cell), $0.verdict.rawValue, day($0.started)] }, width)
  }

  /// The trials of one series, with the first reason of each where it changed.
  public static func trials(_ trials: [ToldTrial], width: Int = 80) -> String {
    guard let newest = trials.first else { return "" }
    var text = "\(visible(newest.lineage)): \(Words.counted(trials.count, "trial"))\n\n"
    text += table(
      ["WHEN", "VERSION", "KERNEL", "VERDICT", "TIME"],
      trials.map {
        [
          day($0.started), "v\($0.version)", cell($0.cell), $0.words,
          $0.isReused ? "kept" : Words.duration($0.seconds),
        ]
      }, width)
    text += "\n" + Columns.wrap("Last reason: " + visible(newest.reason), to: width).joined(separator: "\n    ") + "\n"
    text += "Last run: \(visible(newest.directory))" + (newest.hasEvidence ? "" : " (its evidence is gone)") + "\n"
    return text
  }

  /// What is known of a test or of a kernel report.
  public static func sightings(_ one: Sightings, width: Int = 80) -> String {
    var lines = Columns.wrap(visible(one.name), to: width)
    if let first = one.first, let last = one.last {
      lines.append("In \(Words.counted(one.trials, "trial")), from \(day(first)) to \(day(last)).")
    }
    if one.flaky > 0 {
      lines.append("More than one answer on the same kernel: in \(Words.counted(one.flaky, "trial")).")
    }
    for (title, rows) in [("On the base", one.onBase), ("With series", one.withSeries)] where !rows.isEmpty {
      lines += ["", title]
      for row in rows {
        let reason = row.reason.isEmpty ? "" : ": \(row.reason)"
        let times = row.count == 1 ? day(row.last) : "\(row.count) times, \(day(row.first)) to \(day(row.last))"
        let name = row.lineage.map { "\($0) on " } ?? ""
        lines += Columns.wrap(visible("\(name)\(cell(row.cell)): \(row.what) \(times)\(reason)"), to: width - 4)
          .enumerated().map { ($0.offset == 0 ? "  " : "    ") + $0.element }
      }
    }
    if one.onBase.isEmpty, one.withSeries.isEmpty { lines.append("Always ok.") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The bases of a kernel: only those where something moved, the newest first.
  public static func bases(_ bases: [ToldBase], width: Int = 80) -> String {
    var lines: [String] = []
    for (profile, all) in Dictionary(grouping: bases, by: \.cell.profile).sorted(by: { $0.key < $1.key }) {
      let sorted = all.sorted { $0.started < $1.started }
      lines.append("\(visible(all[0].cell.kernel)) \(visible(profile)): \(Words.counted(all.count, "run"))")
      var last: ToldBase?
      var shown: [String] = []
      for base in sorted {
        let fails = base.ailment.isEmpty ? "\(Words.counted(base.failing.count, "test")) fail" : base.ailment
        let release = base.ground.release ?? base.ground.source
        let words = "\(release), \(base.ground.accelerator.rawValue): \(fails)"
        let isNews =
          last.map { $0.ground != base.ground || $0.failing != base.failing || $0.ailment != base.ailment } ?? true
        if isNews { shown.append("\(day(base.started))  \(words)") }
        last = base
      }
      for line in shown.reversed() { lines += Columns.wrap(visible(line), to: width - 2).map { "  " + $0 } }
      if let failing = sorted.last?.failing, !failing.isEmpty {
        lines.append("  fails on the last one:")
        lines += failing.map { "    " + visible($0) }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func cell(_ cell: Cell) -> String { "\(cell.kernel) \(cell.profile)" }

  /// `2026-03-01 12:00`, in UTC
  static func day(_ date: Date) -> String { String(Words.time(date).prefix(16)) }

  /// A table whose first column gives way if a line is too long.
  private static func table(_ head: [String], _ rows: [[String]], _ width: Int) -> String {
    let cells = rows.map { $0.map { visible($0) } }
    var widths = head.indices.map { column in ([head] + cells).map { Columns.width(of: $0[column]) }.max() ?? 0 }
    let rest = widths.dropFirst().reduce(0, +) + 2 * (head.count - 1)
    widths[0] = max(12, min(widths[0], width - rest))
    return ([head] + cells).map { row in
      let padded = row.enumerated().map { index, text in
        Columns.pad(Columns.middle(text, to: widths[index]), to: widths[index])
      }
      return padded.joined(separator: "  ").replacing(#/ +$/#, with: "")
    }.joined(separator: "\n") + "\n"
  }
}

extension ToldTrial {
  /// The verdict, and whether it is one on some of the tests only.
  var words: String { verdict.rawValue + (isPart ? ", some tests" : "") }
}
