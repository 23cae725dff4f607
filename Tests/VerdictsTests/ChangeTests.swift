// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite struct ChangeTests {
  /// Every pair of endings. Rows: on the base; columns: with the series; `-`: not in that side's plan.
  static let table = """
    base     ok        not-ok    timeout   crash     skip     missing  -
    ok       same      regressed regressed regressed missing  missing  missing
    not-ok   fixed     same      regressed regressed missing  missing  missing
    timeout  fixed     same      same      regressed missing  missing  missing
    crash    fixed     same      same      same      missing  missing  missing
    skip     new       new       new       new       same     missing  missing
    missing  new       new       new       new       same     same     missing
    -        new       new       new       new       new      missing  missing
    """

  static let pairs: [(String, String, String)] = {
    let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    return lines.dropFirst().flatMap { line in
      zip(lines[0], line).dropFirst().map { (line[0], $0, $1) }
    }
  }()

  @Test(arguments: pairs) func everyPair(base: String, series: String, expected: String) {
    func side(_ word: String) -> TestResult? { TestStatus(rawValue: word).map { test("a", $0) } }
    #expect(change(base: side(base), series: side(series)).rawValue == expected)
  }

  @Test func theTableIsWhole() { #expect(Self.pairs.count == 49) }

  @Test(arguments: [
    ("one:ok two:bad", "one:ok two:bad", Change.same),
    ("one:ok two:bad", "one:bad two:bad", .regressed),
    ("one:ok two:bad", "two:bad", .regressed),
    ("one:bad two:bad", "one:ok two:bad", .same),
    ("one:bad two:bad", "two:bad", .same),
    ("one:bad", "one:bad two:bad", .same),
    ("one:ok two:bad", "one:bad two:ok", .regressed),
  ])
  func aCheckThatHeldMustHoldInAFailureToo(base: String, series: String, expected: Change) {
    func side(_ text: String) -> TestResult {
      let checks = text.split(separator: " ").map { $0.split(separator: ":") }
      return TestResult(
        name: "a", status: .notOk, checks: checks.map { Check(name: String($0[0]), passed: $0[1] == "ok") })
    }
    #expect(change(base: side(base), series: side(series)) == expected)
  }

  /// A check by design has the design behind an `@`.
  @Test(arguments: [
    ("one:ok where@file:ok", "one:ok where@file:ok", Change.same),
    ("one:ok where@file:ok", "one:ok where@file:bad", .differs),
    ("one:ok where@file:bad", "one:ok where@file:ok", .differs),
    ("one:ok where@file:ok", "one:ok", .same),
    ("one:ok two:ok where@file:ok", "one:ok where@file:bad", .regressed),
    ("one:ok where@file:ok", "one:bad where@file:bad", .regressed),
    ("one:ok where@file:ok", "one:bad where@file:ok", .regressed),
    ("one:bad where@file:ok", "one:ok where@file:bad", .fixed),
    ("one:bad where@file:ok", "one:bad where@file:bad", .differs),
    ("one:bad two:ok where@file:ok", "one:bad two:bad where@file:bad", .regressed),
    ("one:ok where@file:bad", "one:bad where@file:ok", .regressed),
  ])
  func whatIsOnlyDifferentByDesignIsNotWorse(base: String, series: String, expected: Change) {
    func side(_ text: String) -> TestResult {
      test("a", text.contains(":bad") ? .notOk : .ok, checks: text.split(separator: " ").map(String.init))
    }
    let seen = compare(base: [[side(base)]], series: [[side(series)]])[0]
    #expect(seen.change == expected)
    let isAskedTwice = base.contains("where@file") && series.contains("where@file")
    let isSame = base.contains("where@file:ok") == series.contains("where@file:ok")
    #expect(seen.differences.isEmpty == (!isAskedTwice || isSame))
    // Tried again, it is the same.
    let again = compare(base: [[side(base)], [side(base)]], series: [[side(series)], [side(series)]])[0]
    #expect(again.change == expected)
  }

  @Test func aCheckThatIsGoneIsTheReasonIfAllElseDiffersByDesign() {
    let base = guest([test("a", .ok, "one:ok", "two:ok", "where@file:ok")])
    let series = guest([test("a", .notOk, "one:ok", "where@file:bad")])
    let judgement = judged(.ran(series), base: .ran(base))
    #expect(judgement.verdict == .regresses)
    #expect(
      judgement.reasons[0].description
        == "a: what is left differs by design alone, but the check \"two\" passed before and now is gone")
  }

  @Test func aNewTestThatFailsByDesignAloneIsNotWorse() {
    func new(_ checks: String...) -> TestComparison {
      compare(base: [[test("a", .skip)]], series: [[test("a", .notOk, checks: checks)]])[0]
    }
    #expect(new("where@file:bad", "one:ok").change == .new)
    #expect(!new("where@file:bad", "one:ok").isWorse)
    #expect(new("where@file:bad", "one:bad").isWorse)
    #expect(new().isWorse, "a failure without a check is not one by design")
    let answers = { BaseAnswers(guest([test("a", .skip)]), known: [], isStrict: $0) }
    let result = test("a", .notOk, "where@file:bad")
    #expect(!answers(false).isWorse(result))
    #expect(answers(true).isWorse(result))
  }

  @Test func aDesignThatVariesMakesNoTestFlaky() {
    let steady = test("a", .ok, "one:ok", "where@file:ok")
    let other = test("a", .notOk, "one:ok", "where@file:bad")
    let seen = compare(base: [[steady], [steady]], series: [[steady], [other], [steady]])[0]
    #expect(seen.change == .same)
    #expect(seen.seriesTries == Tries(ok: 3, of: 3))
  }

  @Test func testsStandInTheBasesOrderThenTheSeries() {
    let tests = compare(
      base: [[test("b", .ok), test("a", .ok)]], series: [[test("z", .ok), test("a", .ok), test("c", .ok)]])
    #expect(tests.map(\.name) == ["b", "a", "z", "c"])
    #expect(tests.map(\.change) == [.missing, .same, .new, .new])
  }

  @Test func aNamePlannedTwiceIsTakenOnce() {
    let tests = compare(base: [[test("a", .ok), test("a", .crash)]], series: [[test("a", .ok), test("a", .notOk)]])
    #expect(tests.map(\.change) == [.same])
  }

  @Test func checksOfBothSidesStandBesideEachOther() {
    let tests = compare(
      base: [[test("a", .notOk, "one:ok 1", "two:bad 0, expected 1")]],
      series: [[test("a", .ok, "two:ok 1", "three:ok")]])
    #expect(tests[0].checks.map(\.name) == ["one", "two", "three"])
    #expect(tests[0].checks[0].series == nil)
    #expect(tests[0].checks[1].base == Check(name: "two", passed: false, detail: "0, expected 1"))
    #expect(tests[0].checks[1].series == Check(name: "two", passed: true, detail: "1"))
    #expect(tests[0].checks[2].base == nil)
  }

  @Test(arguments: [
    (test("a", .ok, "one:ok"), ""),
    (test("a", .notOk, "one:ok", "two:bad 0, expected 1"), "two: 0, expected 1"),
    (test("a", .notOk, "one:bad", "two:bad", "three:bad"), "one (and 2 more)"),
    (TestResult(name: "a", status: .skip, reason: "no vgem here"), "no vgem here"),
    (TestResult(name: "a", status: .crash, reason: "SIGBUS"), "SIGBUS"),
    (test("a", .missing), "planned but never reported"),
  ])
  func whyATestEndedAsItDid(result: TestResult, expected: String) { #expect(result.words == expected) }
}
