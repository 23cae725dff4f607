// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// A series on the first screen; see ``HTMLPage`` for why nothing is optional.
struct HTMLAnswer {
  var number: Int
  var name: String
  /// What it says of itself; none or one.
  var claims: [String]
  var verdict: String
  var shape: String
  /// What it does, in words.
  var does: String
  /// What it fixes, and what is only different by design.
  var besides: [String]
  var sure: String
  var time: String

  init(_ answer: SeriesAnswer, _ header: RunHeader) {
    number = answer.number
    name = visible(answer.judgement.series.name)
    claims = answer.claim.map { [visible($0)] } ?? []
    verdict = answer.judgement.verdict.rawValue
    shape = answer.judgement.verdict.shape
    does = visible(answer.words)
    besides = visible(Self.besides(answer))
    sure = answer.sureness(accepted: header.accepted ?? [])
    time = Words.cost(answer.judgement.trial)
  }

  private static func besides(_ answer: SeriesAnswer) -> [String] {
    let fixes = Summary.shortened(answer.fixesBesides, "more questions")
    let differing = answer.differing
    return (fixes.isEmpty ? [] : ["Fixes \(Summary.list(fixes, separator: ", "))."])
      + (differing == 0 ? [] : ["Differs by design in \(Words.counted(differing, "test"))."])
      + (Words.warnings(answer.judgement.trial).map { [$0] } ?? [])
  }
}

/// A column head: a series, by a name that may be cut.
struct HTMLHead {
  var target: Int
  var head: String

  init(_ answer: SeriesAnswer) {
    target = answer.number
    head = visible(answer.judgement.series.name)
  }
}

/// What fails on the base × series.
struct HTMLBugs {
  var heads: [HTMLHead]
  var bugs: [HTMLBug]

  /// - Returns: `nil` if nothing fails there.
  init?(_ questions: Questions, _ ran: [SeriesAnswer], _ classes: HTMLClasses) {
    let failing = questions.rows.filter { $0.failingOnBase > 0 }
    if failing.isEmpty { return nil }
    heads = ran.map(HTMLHead.init)
    bugs = failing.map { row in
      HTMLBug(
        classes: classes.text(row.tests), bugWords: visible(row.words), bugKey: visible(row.key),
        onBase: "\(row.failingOnBase) of \(row.tests.count)",
        marks: ran.map { HTMLMark(fixing: row.ofFailing[$0.number - 1]) })
    }
  }
}

struct HTMLBug {
  var classes: String
  var bugWords: String
  var bugKey: String
  var onBase: String
  var marks: [HTMLMark]
}

/// A cell of a table: a symbol with a look.
struct HTMLMark {
  /// One of our own words, as a CSS class.
  var markLook: String
  var mark: String

  /// What becomes of what fails on the base.
  init(fixing answers: QuestionAnswers) {
    markLook = answers.state.rawValue
    let some = answers.count == answers.of ? "" : " \(answers.count) of \(answers.of)"
    mark =
      switch answers.state {
      case .fixed: "✓\(some)"
      case .worse: "✗ worse"
      case .open: "?\(some)"
      case .failing, .differs, .fine, .notAsked: "–"
      }
  }

  init(_ answers: QuestionAnswers) {
    markLook = answers.state.rawValue
    let some = answers.count == answers.of ? "\(answers.count)" : "\(answers.count) of \(answers.of)"
    mark =
      switch answers.state {
      case .fine: "✓"
      case .worse: "✗ \(some)"
      case .fixed: "★ \(some)"
      case .failing: "○ \(some)"
      case .differs: "≠ \(some)"
      case .open: "? \(some)"
      case .notAsked: "–"
      }
  }
}
