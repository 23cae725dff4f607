// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// A run for a terminal: what was run, the table of verdicts, and the answer in one sentence.
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
    let answers = SeriesAnswer.ranked(judgements, record.header)
    if !answers.isEmpty { lines += [""] + VerdictTable(answers, width: width).lines(paint) }
    lines += ["", Columns.cut("run: \(Words.run(record, judgements))", to: width)]
    if record.interrupted { lines += ["", paint.yellow("The run was stopped before it finished.")] }
    if !answers.isEmpty { lines += [""] + Columns.wrap(visible(Summary.sentence(judgements)), to: width) }
    text = lines.joined(separator: "\n") + "\n"
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
    case .fixes: wrap(text, "1;36")
    case .inconclusive: wrap(text, "33")
    case .regresses: wrap(text, "1;31")
    case .doesNotApply, .doesNotBuild, .doesNotBoot: wrap(text, "35")
    }
  }

  private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}
