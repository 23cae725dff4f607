// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite struct SelfCheckTests {
  private let base = TrialResult.ran(guest([test("a/x", .ok), test("a/y", .ok), test("b/x", .ok)]))

  private func check(_ series: TrialResult, _ answer: BenchModel.Expectation.Answer) -> SelfCheck {
    SelfCheck(
      [judged(series, base: base)], [BenchModel.Expectation(series: candidate.name, fault: "f", answer: answer)])
  }

  @Test(arguments: [
    ("abc", "abc", true), ("abc", "ab", false), ("abc", "*", true), ("abc", "a*", true), ("abc", "*c", true),
    ("abc", "a*c", true), ("ac", "a*c", true), ("a", "a*a", false), ("abcbd", "a*b*d", true), ("abd", "a*c*d", false),
    ("aab", "*ab", true), ("forward/x-to-y/vm-file", "forward/*/vm-file", true), ("", "", true), ("x", "", false),
    ("abab", "*ab*ab", true), ("ab", "*ab*ab", false),
  ])
  func aStarStandsForAnyText(_ text: String, _ pattern: String, _ expected: Bool) {
    #expect(NamePattern(pattern).matches(text) == expected)
  }

  @Test func aFaultIsCaughtByWhatWasNamedForIt() {
    let series = TrialResult.ran(
      guest([test("a/x", .notOk), test("a/y", .ok), test("b/x", .crash)], reports: ["WARNING in f"]))
    let caught = check(series, .caught(by: [.test("a/*"), .report("WARNING*")]))
    #expect(caught.rows.map(\.outcome) == [.caught])
    #expect(caught.rows[0].witnesses == ["a/x", "WARNING in f"])
    #expect(caught.rows[0].others == 1)
    #expect(caught.passed)
    #expect(caught.silentTests == ["a/y"])
    #expect(caught.tests == 3)
    // A test is not a report, and a report is not a test.
    #expect(check(series, .caught(by: [.test("WARNING*"), .report("a/*")])).rows[0].outcome == .caughtByOthers)
    #expect(!check(series, .caught(by: [.test("c/*")])).passed)
    #expect(!check(series, .caught(by: [])).passed)
  }

  @Test("the first bad news is the median over the faults")
  func firstNews() {
    let series = TrialResult.ran(guest([test("a/x", .notOk), test("a/y", .ok), test("b/x", .ok)]))
    var judgement = judged(series, base: base)
    let expectation = BenchModel.Expectation(series: candidate.name, fault: "f", answer: .caught(by: [.test("*")]))
    #expect(SelfCheck([judgement], [expectation]).firstNews == nil)
    let all = [9.0, 1, 3].map { seconds in
      judgement.trial?.firstNews = seconds
      return judgement
    }
    #expect(SelfCheck(all, [expectation]).firstNews == 3)
    // A harmless series has no bad news.
    let harmless = BenchModel.Expectation(series: candidate.name, fault: "f", answer: .clean)
    #expect(SelfCheck(all, [harmless]).firstNews == nil)
  }

  @Test("where a trial ended when its fault was caught, nothing is known of the other tests")
  func untilCaught() {
    var judgement = judged(.ran(guest([test("a/x", .notOk)])), base: base)
    judgement.trial?.cutShort = .test("a/x", reason: "r")
    let expectation = BenchModel.Expectation(series: candidate.name, fault: "f", answer: .caught(by: [.test("a/x")]))
    let check = SelfCheck([judgement], [expectation])
    #expect(!check.isWhole)
    #expect(check.silentTests.isEmpty)
    #expect(check.suspects.isEmpty)
    #expect(SelfCheck([judged(.ran(guest([test("a/x", .notOk)])), base: base)], [expectation]).isWhole)
  }

  @Test func whatIsOnlyDifferentMustBeToldByATestThatIsNamedForIt() {
    let linked = [test("a/x", .ok, "where@file:ok"), test("a/y", .ok, "one:ok")]
    let base = TrialResult.ran(guest(linked))
    func told(_ series: [TestResult], by tests: [String]) -> SelfCheck {
      SelfCheck(
        [judged(.ran(guest(series)), base: base)],
        [BenchModel.Expectation(series: candidate.name, fault: "f", answer: .told(by: tests))])
    }
    let differing = [test("a/x", .notOk, "where@file:bad"), linked[1]]
    let check = told(differing, by: ["a/*"])
    #expect(check.rows.map(\.outcome) == [.told])
    #expect(check.rows[0].witnesses == ["a/x"])
    #expect(check.rows[0].verdict == .clean)
    #expect(check.passed)
    // A test that can tell a difference is not silent.
    #expect(check.silentTests == ["a/y"])
    #expect(told(differing, by: ["b/*"]).rows[0].outcome == .missed)
    #expect(told(linked, by: ["a/*"]).rows[0].outcome == .missed)
    #expect(told([differing[0], test("a/y", .notOk, "one:bad")], by: ["a/*"]).rows[0].outcome == .caughtByOthers)
    #expect(told([differing[0], test("a/y", .missing)], by: ["a/*"]).rows[0].outcome == .undecided)
  }

  @Test func aFaultThatComesOutCleanIsMissed() {
    let missed = check(base, .caught(by: [.test("*")]))
    #expect(missed.rows.map(\.outcome) == [.missed])
    #expect(!missed.passed)
    #expect(missed.silentTests.count == 3)
  }

  @Test func aRightSeriesMustBeClean() {
    #expect(check(base, .clean).rows[0].outcome == .clean)
    #expect(check(base, .clean).passed)
    let worse = check(.ran(guest([test("a/x", .notOk), test("a/y", .ok), test("b/x", .ok)])), .clean)
    #expect(worse.rows[0].outcome == .falseAlarm)
    #expect(!worse.passed)
    // A failure in a harmless series has not caught a fault.
    #expect(worse.silentTests.count == 3)
  }

  @Test func whatCannotBeJudgedIsNeitherCaughtNorClean() {
    let dead = TrialResult.ran(guest([], ending: .machineDied("killed"), booted: false))
    for answer in [BenchModel.Expectation.Answer.clean, .caught(by: [.test("*")])] {
      #expect(check(dead, answer).rows[0].outcome == .undecided)
      #expect(!check(dead, answer).passed)
    }
  }

  @Test func whySilentTestsStay() {
    let reasons = [SilenceReason(test: "a/*", why: "one"), SilenceReason(test: "*/x", why: "two")]
    let check = SelfCheck([judged(base, base: base)], [], silence: reasons)
    #expect(check.explained.map(\.tests) == [["a/x", "a/y"], ["b/x"]])
    #expect(check.explained.map(\.reason) == reasons)
    #expect(check.suspects.isEmpty)
    #expect(SelfCheck([judged(base, base: base)], [], silence: [reasons[0]]).suspects == ["b/x"])
  }

  @Test func whatFailsOnTheBaseIsNotSuspect() {
    let broken = TrialResult.ran(guest([test("a/x", .crash), test("a/y", .ok)]))
    let check = SelfCheck([judged(broken, base: broken)], [])
    #expect(check.failingOnBase == ["a/x"])
    #expect(check.suspects == ["a/y"])
    #expect(check.silentTests == ["a/x", "a/y"])
  }

  @Test func aTestThatTheGuestDoesNotLiveThroughHasSeenTheFault() {
    var run = guest([test("a/x", .ok), test("a/y", .missing), test("b/x", .ok)], ending: .stoppedEarly)
    run.deaths = [GuestDeath(test: "a/y", ending: .stoppedEarly)]
    let caught = check(.ran(run), .caught(by: [.test("a/y")]))
    #expect(caught.rows.map(\.outcome) == [.caught])
    #expect(caught.silentTests == ["a/x", "b/x"])
  }

  @Test func nothingCheckedIsNothingPassed() { #expect(!SelfCheck([], []).passed) }
}
