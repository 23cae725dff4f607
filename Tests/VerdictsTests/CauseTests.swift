// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite struct CauseTests {
  private static let rules = [
    CauseRule(kind: .stale, words: "freed memory is used", reports: [NamePattern("KASAN: *use-after-free*")]),
    CauseRule(kind: .access, words: "a stranger may map", tests: [NamePattern("access/*")]),
    CauseRule(
      kind: .balance, words: "a reference is left", tests: [NamePattern("*")], checks: [NamePattern("*references*")]),
  ]

  private func judged(
    _ base: [TestResult], _ series: [TestResult], reports: [String] = [], ending: GuestEnding = .completed
  ) -> Judgement {
    let run = guest(series, reports: reports, ending: ending)
    return judge(candidate, trial: trial(.ran(run), change: changed), base: trial(.ran(guest(base))))
  }

  @Test func theWeightiestComesFirstWhateverTheOrderOfTheTests() {
    let base = ["counts/a/x", "counts/b/x", "errors/a/y", "access/a/z"].map {
      test($0, .ok, "references left:ok", "two:ok")
    }
    let series = base.map { test($0.name, .notOk, "references left:bad 3, expected 2", "two:ok") }
    let causes = judged(base, series, reports: ["KASAN: slab-use-after-free Read in f", "WARNING in g"]).causes(
      Self.rules)
    #expect(causes.map(\.kind) == [.stale, .access, .balance, .splat])
    #expect(causes.map(\.tests) == [[], ["access/a/z"], ["counts/a/x", "counts/b/x", "errors/a/y"], []])
    #expect(causes[2].sentence == "a reference is left: counts/a/x and 2 more tests")
    #expect(causes[0].sentence == "freed memory is used: KASAN: slab-use-after-free Read in f")
  }

  @Test func whatFailsOnTheBaseTooIsNotTheCause() {
    let base = [test("a/b/c", .notOk, "references left:bad", "two:ok")]
    let causes = judged(base, [test("a/b/c", .notOk, "references left:bad", "two:bad")]).causes(Self.rules)
    #expect(causes.map(\.words) == ["tests answer in another way"])
  }

  @Test func whatNoRuleNamesIsToldAllTheSame() {
    let causes = judged([test("a/b/c", .ok, "one:ok")], [test("a/b/c", .notOk, "one:bad")]).causes(Self.rules)
    #expect(causes.map(\.words) == ["tests answer in another way"])
    #expect(judged([test("a/b/c", .ok, "one:ok")], [test("a/b/c", .notOk, "one:bad")]).causes([]).count == 1)
  }

  @Test func everyWorseTestIsPartOfOneCause() {
    let names = (0..<40).map { "g\($0 % 5)/s\($0)/q" }
    let base = names.map { test($0, .ok, "references:ok", "other:ok") }
    let series = names.enumerated().map { index, name in
      switch index % 4 {
      case 0: test(name, .notOk, "references:bad", "other:ok")
      case 1: test(name, .notOk, "references:ok", "other:bad")
      case 2: test(name, .crash)
      default: test(name, .timeout)
      }
    }
    let told = judged(base, series).causes(Self.rules).flatMap(\.tests)
    #expect(told.sorted() == names.sorted())
  }

  @Test func whatIsOnlyDifferentOrOnlyOursIsNoCause() {
    let base = [test("forward/a/x", .ok, "where@file:ok"), test("history/pbtest_plain-to-plain/y", .ok, "one:ok")]
    let series = [
      test("forward/a/x", .notOk, "where@file:bad"), test("history/pbtest_plain-to-plain/y", .notOk, "one:bad"),
    ]
    #expect(judged(base, series).causes(Self.rules) == [])
  }

  @Test func aGuestThatDoesNotCompleteIsTheFirstCause() {
    let base = [test("a/b/c", .ok, "one:ok")]
    let causes = judged(base, [test("a/b/c", .missing)], ending: .panicked("Kernel panic")).causes(Self.rules)
    #expect(causes.first?.kind == .dies)
    #expect(causes.first?.words.contains("Kernel panic") == true)
  }

  @Test func questionsCountTheirTests() {
    let base = [
      test("q/a/x", .ok, "one:ok", "where@file:ok"), test("q/b/x", .ok, "one:ok", "where@file:ok"),
      test("r/a/x", .notOk, "one:bad"), test("r/b/x", .notOk, "one:bad"), test("s", .ok, "one:ok"),
    ]
    let series = [
      test("q/a/x", .ok, "one:ok", "where@file:ok"), test("q/b/x", .notOk, "one:ok", "where@file:bad"),
      test("r/a/x", .ok, "one:ok"), test("r/b/x", .notOk, "one:bad"), test("s", .notOk, "one:bad"),
    ]
    let run = guest(base)
    let questions = Questions([judged(base, series), judged(base, base)], base: run, words: ["q/b/x": "Where?"])
    #expect(questions.rows.map(\.key) == ["q/*/x", "r/*/x", "s"])
    #expect(questions.rows.map(\.words) == ["Where?", "", ""])
    #expect(questions.rows.map(\.failingOnBase) == [0, 2, 0])
    typealias Answers = QuestionAnswers
    #expect(
      questions.rows.map { $0.answers[0] } == [
        Answers(state: .differs, count: 1, of: 2), Answers(state: .fixed, count: 1, of: 2),
        Answers(state: .worse, count: 1, of: 1),
      ])
    #expect(questions.rows.map { $0.answers[1].state } == [.fine, .failing, .fine])
  }
}
