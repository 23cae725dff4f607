// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@Suite struct RepeatsTests {
  private func runs(_ results: [TrialResult]) -> Repeats { Repeats(results.map { trial($0) }) }

  @Test func equalRunsAreIdentical() {
    let one = TrialResult.ran(guest([test("a", .ok, "x:ok 1"), test("b", .notOk, "y:bad 2")], reports: ["WARNING"]))
    // A check's details may differ, such as a time or a seed; its result may not.
    let other = TrialResult.ran(guest([test("a", .ok, "x:ok 7"), test("b", .notOk, "y:bad 3")], reports: ["WARNING"]))
    #expect(runs([one, other, one]).areIdentical)
    #expect(runs([one, other]).differences == [])
  }

  @Test func oneRunProvesNothing() { #expect(!runs([.ran(guest([test("a", .ok)]))]).areIdentical) }

  @Test func whatDiffersIsCounted() {
    let good = TrialResult.ran(guest([test("a", .ok, "x:ok"), test("b", .ok, "y:ok")]))
    let bad = TrialResult.ran(guest([test("a", .notOk, "x:bad"), test("b", .ok, "y:ok")]))
    let seen = runs([good, bad, good])
    #expect(!seen.areIdentical)
    #expect(seen.differences.map(\.name) == ["a"])
    #expect(seen.differences[0].outcomes.map(\.count) == [2, 1])
    #expect(seen.differences[0].outcomes[1].words == "not-ok, 1 checks, failed: x")
  }

  @Test func aRunThatLacksATestDiffers() {
    let whole = TrialResult.ran(guest([test("a", .ok), test("b", .ok)]))
    let part = TrialResult.ran(guest([test("a", .ok)]))
    #expect(runs([whole, part]).differences.map(\.name) == ["b"])
  }

  @Test func endingsAndReportsCount() {
    let good = TrialResult.ran(guest([test("a", .ok)]))
    #expect(runs([good, .ran(guest([test("a", .ok)], ending: .silent(seconds: 9)))]).differences.count == 1)
    #expect(
      runs([good, .ran(guest([test("a", .ok)], reports: ["KASAN"]))]).differences.map(\.name) == ["kernel reports"])
    #expect(!runs([good, .fault(HarnessFault(stage: .boot, message: "x"))]).areIdentical)
  }

  @Test func fewerChecksAreADifference() {
    let two = TrialResult.ran(guest([test("a", .ok, "x:ok", "y:ok")]))
    let one = TrialResult.ran(guest([test("a", .ok, "x:ok")]))
    #expect(runs([two, one]).differences.map(\.name) == ["a"])
  }
}
