// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import Verdicts

/// Shows what several cells say of the same series: each series with its verdict, and below it a row per cell.
public struct MatrixTable {
  /// A cell that gave no report.
  public struct Gap: Sendable, Hashable {
    public var kernel: String
    public var profile: String
    /// Why it was not run.
    public var reason: String

    public init(kernel: String, profile: String, reason: String) {
      self.kernel = kernel
      self.profile = profile
      self.reason = reason
    }
  }

  private struct Row {
    var cell: String
    var verdict: Verdict?
    var time: String
    var reason: String
  }

  private let reports: [Report]
  private let gaps: [Gap]

  /// - Parameters:
  ///   - reports: one per cell that was run.
  ///   - gaps: the cells that could not be run.
  public init(_ reports: [Report], gaps: [Gap] = []) {
    self.reports = reports
    self.gaps = gaps
  }

  /// The names of all series, in the order of their first appearance.
  private var names: [String] {
    var names: [String] = []
    for judgement in reports.flatMap(\.judgements) where !names.contains(judgement.series.name) {
      names.append(judgement.series.name)
    }
    return names
  }

  /// The verdict of each series over all cells.
  public var verdicts: [(series: String, verdict: Verdict)] {
    names.compactMap { name in
      let cells = reports.flatMap { report in
        report.judgements.filter { $0.series.name == name }
          .map { CellVerdict($0, in: report.record.header.cell, base: report.record.base) }
      }
      return Verdict.worst(of: cells).map { (name, $0) }
    }
  }

  /// Returns the table for a terminal.
  /// - Parameters:
  ///   - color: whether to colour the verdicts with escape sequences.
  ///   - width: the terminal's columns; longer reasons are cut.
  public func text(color: Bool, width: Int = 100) -> String {
    let paint = Paint(isOn: color)
    return verdicts.map { name, verdict in
      let rows = rows(of: name)
      let cells = rows.map { Columns.width(of: $0.cell) }.max() ?? 0
      let words = rows.map { Columns.width(of: Self.word($0.verdict)) }.max() ?? 0
      let times = rows.map { Columns.width(of: $0.time) }.max() ?? 0
      let room = max(20, width - cells - words - times - 8)
      let lines = rows.map { row in
        let word = Columns.pad(Self.word(row.verdict), to: words)
        return [
          "  " + Columns.pad(row.cell, to: cells), row.verdict.map { paint.verdict(word, $0) } ?? word,
          Columns.pad(row.time, to: times, right: true), Columns.cut(row.reason, to: room),
        ].joined(separator: "  ")
      }
      return (["\(visible(name)): \(paint.verdict(verdict.rawValue, verdict))"] + lines).joined(separator: "\n")
    }.joined(separator: "\n") + "\n"
  }

  private static func word(_ verdict: Verdict?) -> String { verdict?.rawValue ?? "not run" }

  private func rows(of name: String) -> [Row] {
    let run = reports.compactMap { report -> Row? in
      guard let judgement = report.judgements.first(where: { $0.series.name == name }) else { return nil }
      let cell = report.record.header.cell
      return Row(
        cell: "\(cell.kernel)/\(cell.profile)", verdict: judgement.verdict, time: Words.cost(judgement.trial),
        reason: visible(judgement.reasons.first?.description ?? ""))
    }
    return run
      + gaps.map { Row(cell: "\($0.kernel)/\($0.profile)", verdict: nil, time: "–", reason: visible($0.reason)) }
  }
}
