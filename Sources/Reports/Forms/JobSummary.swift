// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// The summary of a CI job, in Markdown: what a reader sees who opens the job, at most 60 lines.
struct JobSummary {
  static let most = 60

  let text: String

  init(_ report: Report) {
    let (record, header) = (report.record, report.record.header)
    let answers = SeriesAnswer.ranked(report.judgements.map { $0.withoutPaths(in: record) }, header)
    let rows = answers.map { answer in
      let verdict = answer.judgement.verdict
      return [
        "\(verdict.shape) **\(verdict.rawValue)**", Self.name(answer.judgement.series.name),
        BriefMarkdown.escape(answer.words, 200),
        BriefMarkdown.escape(answer.sureness(accepted: header.accepted ?? []), 90),
      ]
    }
    let release = record.base?.run?.release.map { "\(Markdown.code(Markdown.cut($0, to: 80))), " } ?? ""
    text = Self.text([
      Self.head("\(header.cell.kernel), profile \(header.cell.profile)", Summary.sentence(report.judgements)),
      record.interrupted ? ["", Self.stopped] : [],
      Self.table(["Verdict", "Series", "Cause, or first reason", "How sure"], rows),
      Self.list(Self.items(answers.map { ($0, nil) })),
      ["", "On the base: \(release)\(BriefMarkdown.escape(MachinePaths.shortened(Words.base(record.base)), 300))"],
      record.flawWords.map { flaw in
        ["", "**No series can be compared with it**: \(BriefMarkdown.escape(flaw, 300))"]
      } ?? [],
    ])
  }

  /// Of several cells, a series has a row, and a cell a column.
  init(_ matrix: Matrix) {
    let cells = matrix.rows.flatMap { $0.cells.map(\.name) }.grouped { $0 }.map(\.key)
    let shown = cells.prefix(Self.mostColumns)
    let rows = matrix.ranked.map { row in
      ["\(row.verdict.shape) **\(row.verdict.rawValue)**", Self.name(row.series)]
        + shown.map { name in
          row.cells.first { $0.name == name }.map { "\($0.verdict?.shape ?? "–") \($0.word)" } ?? ""
        }
    }
    let left = cells.count - shown.count
    let runs = ToldRuns(matrix)
    let names = matrix.ranked.map(\.series)
    let answers = names.flatMap { name in
      runs.entries.filter { $0.judgement.series.name == name && !$0.isAnsweredElsewhere }.flatMap { entry in
        SeriesAnswer.ranked([entry.judgement], entry.record.header).map { (answer: $0, cell: Optional(entry.cell)) }
      }
    }
    let gaps = matrix.gaps.map {
      "\(BriefMarkdown.escape($0.name, 80)) was not run: \(BriefMarkdown.escape($0.reasonWords, 200))"
    }
    text = Self.text([
      Self.head(matrix.title, Summary.sentence(matrix)), matrix.isStopped ? ["", Self.stopped] : [],
      Self.table(["Verdict", "Series"] + shown.map { BriefMarkdown.escape($0, 80) }, rows),
      left > 0 ? ["", "\(Words.counted(left, "more cell")) \(left == 1 ? "has" : "have") no column here."] : [],
      Self.list(gaps + Self.items(answers)),
    ])
  }

  private static let stopped = "**The run was stopped before it finished.**"
  private static let mostColumns = 8
  private static let mostRows = 20
  private static let mostItems = 18

  private static func text(_ parts: [[String]]) -> String {
    let last = ["", "\(Markdown.code("report.html")) and \(Markdown.code(BriefMarkdown.details)) have the rest."]
    return (parts.joined() + last).joined(separator: "\n") + "\n"
  }

  private static func head(_ title: String, _ sentence: String) -> [String] {
    ["# patchbench: \(BriefMarkdown.escape(title, 120))", "", BriefMarkdown.escape(sentence, 1000)]
  }

  private static func name(_ series: String) -> String { Markdown.cell(Markdown.cut(series, to: 60)) }

  private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
    if rows.isEmpty { return [] }
    let rest = rows.count - mostRows
    return ["", Markdown.table(head, Array(rows.prefix(mostRows)))]
      + (rest > 0 ? ["", "\(rest) more series \(rest == 1 ? "is" : "are") not in this table."] : [])
  }

  private static func list(_ items: [String]) -> [String] {
    if items.isEmpty { return [] }
    let rest = items.count - mostItems
    return ["", "## What to look at", ""] + items.prefix(mostItems).map { "- \($0)" }
      + (rest > 0 ? ["- \(Words.counted(rest, "more line")) did not fit"] : [])
  }

  /// What is worse comes first, then what cannot be judged: a run that was stopped early has many of those.
  private static func items(_ answers: [(answer: SeriesAnswer, cell: String?)]) -> [String] {
    let worse = answers.filter { $0.answer.judgement.verdict.isWorse }
    let open = worse + answers.filter { $0.answer.judgement.verdict == .inconclusive }
    let most = open.count > mostItems / 2 ? 1 : 2
    return open.flatMap { items($0.answer, in: $0.cell, most: most) }
  }

  /// The causes of a series' verdict, each with an example, or its first reasons.
  private static func items(_ answer: SeriesAnswer, in cell: String?, most: Int) -> [String] {
    let judgement = answer.judgement
    let place = cell.map { ", \(BriefMarkdown.escape($0, 80))" } ?? ""
    let subject = "\(Markdown.code(Markdown.cut(judgement.series.name, to: 60)))\(place): "
    let all =
      answer.causes.isEmpty
      ? judgement.reasons.map { BriefMarkdown.escape($0.description, 300) }
      : answer.causes.map { BriefSeries.words($0, judgement) }
    let shown = all.prefix(most)
    let rest = all.count - shown.count
    return shown.enumerated().map { index, words in
      subject + words + (index == shown.count - 1 && rest > 0 ? " (and \(rest) more)" : "")
    }
  }
}
