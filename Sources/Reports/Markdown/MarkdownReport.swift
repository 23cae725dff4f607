// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// `report-details.md`: the verdicts, the bench that produced them, then each series.
struct MarkdownReport {
  let text: String

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let header = record.header
    var parts = [
      "# patchbench: \(Markdown.escape(header.cell.kernel)), profile \(Markdown.escape(header.cell.profile))",
      Self.verdicts(judgements),
    ]
    if record.interrupted { parts.append("**The run was stopped before it finished.**") }
    parts.append(Self.bench(record))
    parts += MarkdownCost(record, judgements).parts
    for judgement in judgements { parts += MarkdownSeries(judgement, record.header).parts }
    parts += Comparisons.markdown(header)
    text = parts.joined(separator: "\n\n") + "\n"
  }

  private static func verdicts(_ judgements: [Judgement]) -> String {
    let rows = judgements.map { judgement in
      [
        Markdown.cell(judgement.series.name), "**\(judgement.verdict.rawValue)**", Words.changes(judgement),
        Words.newReports(judgement), Words.cost(judgement.trial),
      ]
    }
    return Markdown.table(
      ["Series", "Verdict", "Tests", "New kernel reports", "Time"], rows, numbers: [3, 4])
  }

  private static func bench(_ record: RunRecord) -> String {
    let header = record.header
    let base = record.base
    let release = base?.run?.release.map { "\(Markdown.code($0)), " } ?? ""
    let origin = Words.origin(base).map { " (\($0))" } ?? ""
    let choice = record.baseWords.map { ["Taken as the base: \(Markdown.escape($0))"] } ?? []
    let lines =
      choice + [
        "Base: \(release)\(Markdown.escape(Words.base(base)))\(origin)",
        "Source: \(Markdown.escape(header.source))",
        "Guest: \(Markdown.escape(header.cell.guest)), \(Words.counted(header.processors, "processor"))",
        "Accelerator: \(header.accelerator.rawValue) (\(Markdown.escape(header.acceleratorReason)))",
        "Emulator: \(Markdown.escape(header.emulator))",
        "Toolchain: \(Markdown.escape(header.toolchain))",
        "Series were built \(Markdown.escape(Words.sandbox(header)))",
        "Started: \(Words.started(record)), by patchbench \(Markdown.escape(header.patchbench))",
      ]
    return lines.map { "- \($0)" }.joined(separator: "\n")
  }
}
