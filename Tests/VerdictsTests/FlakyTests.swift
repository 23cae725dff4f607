// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite("Tests that were tried more than once")
struct FlakyTests {
  private func side(_ statuses: [TestStatus]) -> [[TestResult]] { statuses.map { [test("a/x", $0, "c:ok")] } }

  private func judged(base: [TestStatus], series: [TestStatus], other: TestStatus = .ok) -> Judgement {
    func first(_ statuses: [TestStatus]) -> [TestResult] { [test("a/x", statuses[0], "c:ok"), test("a/y", other)] }
    var mine = trial(.ran(guest(first(series))))
    mine.again = Array(side(series).dropFirst())
    mine.baseAgain = Array(side(base).dropFirst())
    return judge(candidate, trial: mine, base: trial(.ran(guest(first(base)))))
  }

  @Test("a stable result is believed")
  func holds() {
    let worse = judged(base: [.ok, .ok, .ok, .ok], series: [.notOk, .notOk, .notOk, .notOk])
    #expect(worse.verdict == .regresses)
    #expect(worse.words.first == "a/x: passes 4/4 on base, 0/4 with the series")
    #expect(judged(base: [.crash, .crash, .crash, .crash], series: [.ok, .ok, .ok, .ok]).verdict == .fixes)
  }

  @Test("an unstable result is flaky, with the counts, and neither better nor worse")
  func mixed() {
    let worse = judged(base: [.ok, .ok, .ok, .ok], series: [.notOk, .ok, .ok, .ok])
    #expect(worse.verdict == .inconclusive)
    #expect(worse.tests[0].change == .flaky)
    #expect(worse.words == ["a/x: flaky: passes 4/4 on base, 3/4 with the series"])
    #expect(judged(base: [.notOk, .notOk, .ok, .notOk], series: [.ok, .ok, .ok, .ok]).verdict != .fixes)
  }

  @Test("a result that is as unstable on the base says nothing, and the others decide")
  func bothMixed() {
    let noise = judged(base: [.ok, .notOk, .ok, .ok], series: [.notOk, .ok, .ok, .ok])
    #expect(noise.tests[0].change == .flaky)
    #expect(noise.verdict == .clean)
  }

  @Test("a rate that fell by more than chance is a regression")
  func rate() {
    let base = Array(repeating: TestStatus.ok, count: 20)
    func series(_ bad: Int) -> [TestStatus] {
      Array(repeating: .notOk, count: bad) + Array(repeating: .ok, count: 20 - bad)
    }
    #expect(judged(base: base, series: series(12)).verdict == .regresses)
    #expect(judged(base: base, series: series(2)).verdict == .inconclusive)
    #expect(judged(base: series(12), series: base).verdict == .fixes)
  }

  @Test("among many unstable tests, a single one needs better proof")
  func many() {
    func sides(_ bad: Int, count: Int) -> [[TestResult]] {
      (0..<10).map { run in (0..<count).map { test("t/\($0)", run < bad ? .notOk : .ok, "c:ok") } }
    }
    let alone = compare(base: sides(0, count: 1), series: sides(6, count: 1))
    #expect(alone.map(\.change) == [.regressed])
    let among = compare(base: sides(0, count: 40), series: sides(6, count: 40))
    #expect(among.allSatisfy { $0.change == .flaky })
  }

  @Test("tries without an answer do not count")
  func noAnswer() {
    let tests = compare(
      base: side([.ok, .ok]), series: [[test("a/x", .ok)], [test("a/x", .missing)], [test("a/x", .skip)]])
    #expect(tests[0].seriesTries == Tries(ok: 1, of: 1))
    #expect(tests[0].change == .same)
  }

  @Test("an answer that only came on the second try is an answer")
  func late() {
    let tests = compare(base: side([.ok, .ok]), series: [[test("a/x", .skip)], [test("a/x", .ok, "c:ok")]])
    #expect(tests[0].change == .same)
    #expect(tests[0].series == .ok)
  }

  @Test("a test that fails differently each time is mixed too")
  func ways() {
    let series = [[test("a/x", .notOk, "c:bad", "d:ok")], [test("a/x", .notOk, "c:ok", "d:bad")]]
    #expect(compare(base: side([.notOk, .notOk]), series: series)[0].change == .flaky)
  }

  @Test("the changed tests are worth another try, the worse ones first")
  func worth() {
    let base = guest([
      test("a", .ok), test("b", .notOk), test("c", .ok), test("d", .skip), test("e", .ok), test("f", .ok),
    ])
    let series = guest([
      test("a", .ok), test("b", .ok), test("c", .crash), test("d", .notOk), test("e", .missing), test("f", .skip),
    ])
    #expect(changedTests(base: base, series: series) == ["c", "d", "b"])
    #expect(silentTests(base: base, series: series) == ["f"])
  }

  @Test(
    "Fisher's exact test, against a sum over binomial coefficients",
    arguments: [
      (Tries(ok: 4, of: 4), Tries(ok: 0, of: 4), 0.02857143), (Tries(ok: 4, of: 4), Tries(ok: 3, of: 4), 1.0),
      (Tries(ok: 20, of: 20), Tries(ok: 14, of: 20), 0.02019602),
      (Tries(ok: 8, of: 10), Tries(ok: 3, of: 10), 0.06977852),
      (Tries(ok: 0, of: 0), Tries(ok: 3, of: 10), 1.0), (Tries(ok: 5, of: 5), Tries(ok: 5, of: 5), 1.0),
    ])
  func fisher(a: Tries, b: Tries, expected: Double) {
    #expect(abs(Tries.chance(a, b) - expected) < 1e-6)
    #expect(abs(Tries.chance(b, a) - expected) < 1e-6)
  }

  @Test(
    "Wilson's interval",
    arguments: [
      (Tries(ok: 10, of: 10), 0.7224672, 1.0), (Tries(ok: 0, of: 20), 0.0, 0.1611252),
      (Tries(ok: 5, of: 10), 0.2365931, 0.7634069),
      (Tries(ok: 0, of: 0), 0.0, 1.0),
    ])
  func wilson(tries: Tries, low: Double, high: Double) {
    #expect(abs(tries.interval.lowerBound - low) < 1e-6)
    #expect(abs(tries.interval.upperBound - high) < 1e-6)
  }
}
