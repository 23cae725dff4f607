// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// Questions × series: one row a question, which opens to the tests that ask it.
struct HTMLQuestions {
  var columns: [HTMLHead]
  /// Those that some side does not answer as it must.
  var questionRows: [HTMLQuestion]
  /// All others, in one line; none or one.
  var quietQuestions: [HTMLQuietQuestions]

  /// - Parameter ran: the series whose guests ran. A column for the others would be empty.
  init?(_ questions: Questions, _ ran: [SeriesAnswer], base: GuestRun?, _ classes: HTMLClasses) {
    if questions.rows.isEmpty { return nil }
    columns = ran.map(HTMLHead.init)
    let onBase = Dictionary(base?.tests.map { ($0.name, $0.status) } ?? [], uniquingKeysWith: { first, _ in first })
    let compared = ran.map { answer in
      Dictionary(answer.judgement.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    let isQuiet = { (row: Questions.Row) in
      row.failingOnBase == 0
        && ran.allSatisfy { [.fine, .notAsked].contains(row.answers[$0.number - 1].state) }
        && row.tests.contains { onBase[$0]?.isAnswered == true }
    }
    let quiet = questions.rows.filter(isQuiet)
    quietQuestions =
      quiet.isEmpty
      ? []
      : [
        HTMLQuietQuestions(
          heading: "\(Words.counted(quiet.count, "question")) that the base and every series answer as they must",
          quietRows: quiet.map { HTMLQuietRow(quietKey: visible($0.key), quietWords: visible($0.words)) })
      ]
    questionRows = questions.rows.filter { !isQuiet($0) }.map { row in
      let cells = ran.enumerated().map { column, answer in
        // The cell leads to the first of its tests that the series' section shows.
        let shown = row.tests.first { compared[column][$0]?.isNotable == true }
        return HTMLCell(
          cellMark: HTMLMark(row.answers[answer.number - 1]),
          ways: shown.map { [Anchor.test($0, series: answer.number)] } ?? [])
      }
      let told = row.tests.filter { name in
        onBase[name]?.isNotable == true || compared.contains { $0[name]?.isNotable == true }
      }
      let quiet = row.tests.count - told.count
      return HTMLQuestion(
        classes: classes.text(told), question: visible(row.key), inWords: visible(row.words),
        baseMark: HTMLMark(base: row, isAnswered: row.tests.contains { onBase[$0]?.isAnswered == true }), cells: cells,
        pairs: told.map { name in
          HTMLPair(
            pairClasses: classes.text([name]), pair: visible(name), pairOnBase: onBase[name]?.rawValue ?? "–",
            pairMarks: ran.enumerated().map { column, _ in HTMLMark(compared[column][name]) })
        },
        quiet: quiet == 0
          ? []
          : [
            "\(Words.counted(quiet, told.isEmpty ? "test" : "other test")): ok, or skipped, on base and with every series."
          ])
    }
  }
}

struct HTMLQuestion {
  var classes: String
  var question: String
  var inWords: String
  var baseMark: HTMLMark
  var cells: [HTMLCell]
  var pairs: [HTMLPair]
  var quiet: [String]
}

struct HTMLQuietQuestions {
  var heading: String
  var quietRows: [HTMLQuietRow]
}

struct HTMLQuietRow {
  var quietKey: String
  var quietWords: String
}

struct HTMLCell {
  var cellMark: HTMLMark
  /// The anchor of a test; none or one.
  var ways: [String]
}

struct HTMLPair {
  var pairClasses: String
  var pair: String
  var pairOnBase: String
  var pairMarks: [HTMLMark]
}

extension HTMLMark {
  /// The base's own cell.
  /// - Parameter isAnswered: whether any of its tests gave an answer there.
  fileprivate init(base row: Questions.Row, isAnswered: Bool) {
    markLook = row.failingOnBase > 0 ? "failing" : isAnswered ? "fine" : "not-asked"
    mark = row.failingOnBase > 0 ? "○ \(row.failingOnBase) of \(row.tests.count)" : isAnswered ? "✓" : "–"
  }

  /// One test of one series.
  fileprivate init(_ test: TestComparison?) {
    guard let test else {
      self.init(look: QuestionAnswers.State.notAsked.rawValue, "–")
      return
    }
    let word = test.series.rawValue
    switch test.change {
    case .regressed: self.init(look: "worse", "✗ \(word)")
    case .fixed: self.init(look: "fixed", "★ \(word)")
    case .differs: self.init(look: "differs", "≠ by design")
    case .flaky: self.init(look: "open", "? \(test.seriesTries.ok)/\(test.seriesTries.of)")
    case .missing: self.init(look: "open", "? \(word)")
    case .new: self.init(look: test.isWorse ? "worse" : "fine", word)
    case .same: self.init(look: test.series.isNotable ? "failing" : "fine", word)
    }
  }

  private init(look: String, _ mark: String) {
    markLook = look
    self.mark = mark
  }
}

extension TestStatus {
  /// Whether the test said something about the kernel.
  fileprivate var isAnswered: Bool { self != .skip && self != .missing }
}
