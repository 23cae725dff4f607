// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// The tables of `report.md`.
enum BriefTables {
  /// A row for each series, the best verdict first.
  static func series(_ answers: [SeriesAnswer], _ header: RunHeader) -> [String] {
    let rows = answers.map { answer in
      let verdict = answer.judgement.verdict
      return [
        "\(answer.number)", Markdown.cell(Markdown.cut(answer.judgement.series.name, to: 60)),
        "\(verdict.shape) **\(verdict.rawValue)**", BriefMarkdown.escape(answer.claim ?? "", 90),
        BriefMarkdown.escape(answer.words, 200),
        BriefMarkdown.escape(answer.sureness(accepted: header.accepted ?? []), 90),
        Words.cost(answer.judgement.trial),
      ]
    }
    let table = Markdown.table(
      ["No", "Series", "Verdict", "What it says it does", "Cause, or first reason", "How sure", "Time"], rows,
      numbers: [0, 6], room: 18_000)
    return [table.text] + rest(of: rows.count - table.shown, "series")
  }

  /// What fails on the base, and what becomes of it with each series.
  static func questions(_ answers: [SeriesAnswer], _ record: RunRecord) -> [String] {
    let shown = Array(answers.prefix(mostColumns))
    let questions = Questions(shown.map(\.judgement), base: record.base?.run, words: record.header.questions)
    let failing = questions.rows.filter { $0.failingOnBase > 0 }
    if failing.isEmpty { return [] }
    let rows = failing.map { row in
      let words = row.words.isEmpty ? "" : ": \(BriefMarkdown.escape(row.words, 120))"
      return [Markdown.cell(Markdown.cut(row.key, to: 70)) + words, "\(row.failingOnBase) of \(row.tests.count)"]
        + row.ofFailing.map(Self.words)
    }
    let table = Markdown.table(
      ["Question", "Fails on the base"] + shown.map { "\($0.number)" }, rows, room: 10_000)
    let columns = answers.count - shown.count
    return [
      "## What fails on the base, and with each series",
      "A column has the number of its series in the table above. “2 of 3” counts tests: on the base of those that ask the question, with a series of those that fail on the base.",
      table.text,
    ] + (columns > 0 ? ["The columns of \(columns) more series are left out."] : [])
      + rest(of: rows.count - table.shown, "questions")
  }

  private static let mostColumns = 24

  private static func rest(of count: Int, _ what: String) -> [String] {
    count <= 0 ? [] : ["\(count) more \(what) did not fit; \(Markdown.code(BriefMarkdown.details)) has them."]
  }

  private static func words(_ answers: QuestionAnswers) -> String {
    let count = "\(answers.count) of \(answers.of)"
    return switch answers.state {
    case .fine: "ok"
    case .worse: "✗ **worse** \(count)"
    case .fixed: "★ fixed \(count)"
    case .failing: "fails \(count)"
    case .differs: "differs \(count)"
    case .open: "? \(count)"
    case .notAsked: "–"
    }
  }
}
