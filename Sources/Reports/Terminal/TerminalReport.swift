// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// The verdict table of a terminal: a row per series, and its weightiest reason below.
struct TerminalReport {
  let text: String

  init(_ record: RunRecord, _ judgements: [Judgement], color: Bool, width: Int) {
    let paint = Paint(isOn: color)
    let cell = record.header.cell
    let reused = record.base?.reused == true ? ", reused" : ""
    let release = record.base?.run?.release.map { " (\($0))" } ?? ""
    let choice = record.baseWords.map { ["base: \($0)"] } ?? []
    let place = cell.extent == .boot ? "guest \(cell.guest)" : "built only, \(cell.toolchain) for \(cell.architecture)"
    let accelerator = "accelerator: \(record.header.accelerator.rawValue), \(record.header.acceleratorReason)"
    let heads =
      ["\(cell.kernel)\(release), profile \(cell.profile), \(place)"] + choice
      + (cell.extent == .boot ? [accelerator] : []) + [
        "\(choice.isEmpty ? "base" : "on the base"): \(Words.base(record.base))\(reused)"
      ]
    var lines = heads.map { Columns.cut(visible($0), to: width) }
    if record.header.sandbox == nil || record.header.settings != nil {
      lines.append(paint.yellow(Columns.cut("built \(Words.sandbox(record.header))", to: width)))
    }
    lines.append("")
    lines += Self.table(judgements, paint: paint, width: width)
    lines += ["", Columns.cut("run: \(Words.run(record, judgements))", to: width)]
    if record.interrupted { lines += ["", paint.yellow("The run was stopped before it finished.")] }
    text = lines.joined(separator: "\n") + "\n"
  }

  /// The test counts that are shown. A column for a rare change would take space from the names.
  private static func changes(_ judgements: [Judgement]) -> [Change] {
    Change.allCases.filter { change in change != .flaky || judgements.contains { $0.count(of: .flaky) > 0 } }
  }

  private static func table(_ judgements: [Judgement], paint: Paint, width: Int) -> [String] {
    let changes = changes(judgements)
    let heads = ["SERIES", "VERDICT"] + changes.map { $0.rawValue.uppercased() } + ["REPORTS", "TIME"]
    let rows = judgements.map { cells($0, changes) }
    // Only the name column has no natural bound: it takes the space that the others leave, but at least 12.
    var widths = heads.indices.map { column in
      ([heads] + rows).map { Columns.width(of: $0[column]) }.max() ?? 0
    }
    let others = widths.dropFirst().reduce(0, +) + 2 * (widths.count - 1)
    widths[0] = min(widths[0], max(12, width - others))
    var lines = [paint.dim(line(heads, widths: widths) { _, text in text })]
    for (judgement, row) in zip(judgements, rows) {
      lines.append(line(row, widths: widths) { $0 == 1 ? paint.verdict($1, judgement.verdict) : $1 })
      if let reason = judgement.reasons.first {
        let more = judgement.reasons.count == 1 ? "" : " (+\(judgement.reasons.count - 1) more)"
        let room = max(0, width - 2 - more.count)
        lines.append(paint.dim("  " + Columns.cut(visible(reason.description), to: room) + more))
      }
      if let bisection = Bisection(judgement), let heading = bisection.heading, let first = bisection.lines.first {
        let more = bisection.lines.count == 1 ? "" : " (+\(bisection.lines.count - 1) more)"
        let room = max(0, width - 2 - more.count)
        lines.append(paint.yellow("  " + Columns.cut(heading, to: max(0, width - 2))))
        lines.append(paint.yellow("  " + Columns.cut(visible(first), to: room) + more))
      }
      if let warnings = Words.warnings(judgement.trial) {
        lines.append(paint.yellow("  " + Columns.cut(visible(warnings), to: max(0, width - 2))))
      }
    }
    return lines
  }

  private static func cells(_ judgement: Judgement, _ changes: [Change]) -> [String] {
    // Without a guest there is nothing to count, and zeros would look like a result.
    let ran = judgement.trial?.run != nil
    let counts = changes.map { ran ? "\(judgement.count(of: $0))" : "–" }
    return [visible(judgement.series.name), judgement.verdict.rawValue] + counts
      + [ran ? "\(judgement.newReports) new" : "–", Words.cost(judgement.trial)]
  }

  private static func line(_ row: [String], widths: [Int], paint: (Int, String) -> String) -> String {
    let cells = row.enumerated().map { column, text in
      paint(column, Columns.pad(Columns.cut(text, to: widths[column]), to: widths[column], right: column > 1))
    }
    return cells.joined(separator: "  ")
  }
}

/// Colours text with escape sequences, or not at all.
struct Paint {
  var isOn: Bool

  func dim(_ text: String) -> String { wrap(text, "2") }
  func yellow(_ text: String) -> String { wrap(text, "33") }

  func verdict(_ text: String, _ verdict: Verdict) -> String {
    switch verdict {
    case .clean: wrap(text, "32")
    case .fixes: wrap(text, "1;32")
    case .inconclusive: wrap(text, "33")
    case .regresses, .doesNotApply, .doesNotBuild, .doesNotBoot: wrap(text, "1;31")
    }
  }

  private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}
