// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing
import Verdicts

@Suite struct RunTests {
  @Test func aRunIsJudgedInTheOrderOfItsHeader() throws {
    let names = ["second", "first", "third"]
    let header = RunHeader(
      cell: here, versions: RunHeader.Versions(source: "s", toolchain: "gcc", emulator: "qemu", patchbench: "0"),
      accelerator: .kvm,
      reason: "", processors: 1, series: names.map { PatchSeries(name: $0, patches: [patch]) })
    func finished(_ series: String?, _ status: TestStatus) -> BenchEvent.Kind {
      .trialFinished(
        Trial(
          series: series, cell: here, seconds: StageSeconds(), change: changed, reused: false,
          result: .ran(guest([test("a", status)]))))
    }
    let kinds: [BenchEvent.Kind] = [
      .runStarted(header), finished("first", .crash), finished(nil, .notOk), finished("second", .ok),
    ]
    let record = try #require(RunRecord(kinds.map { BenchEvent(at: Date(timeIntervalSince1970: 0), kind: $0) }))
    let judgements = judge(record)
    #expect(judgements.map(\.series.name) == names)
    #expect(judgements.map(\.verdict) == [.fixes, .regresses, .inconclusive])
    #expect(record.interrupted)
  }

  @Test func aBaseThatDiedInOneOfItsRunsIsNoBase() throws {
    let header = RunHeader(
      cell: here, versions: RunHeader.Versions(source: "s", toolchain: "gcc", emulator: "qemu", patchbench: "0"),
      accelerator: .kvm,
      reason: "", processors: 1, series: [candidate])
    let whole = trial(.ran(guest([test("a", .ok)])))
    var mine = whole
    mine.series = candidate.name
    func verdict(_ repeated: Trial) throws -> Verdict? {
      let kinds: [BenchEvent.Kind] = [
        .runStarted(header), .trialFinished(whole), .baseRepeated(repeated, number: 1), .trialFinished(mine),
        .runFinished(interrupted: false),
      ]
      let record = try #require(RunRecord(kinds.map { BenchEvent(at: Date(timeIntervalSince1970: 0), kind: $0) }))
      return judge(record).first?.verdict
    }
    #expect(try verdict(whole) == .clean)
    #expect(try verdict(trial(.ran(guest([test("a", .ok)], ending: .silent(seconds: 75))))) == .inconclusive)
    #expect(try verdict(trial(.fault(HarnessFault(stage: .boot, message: "no space")))) == .inconclusive)
  }

  @Test(
    arguments: [
      (nil, Stage.apply),
      (trial(.doesNotApply(ApplyFailure(patch: patch, file: nil, hunk: nil, message: ""))), .apply),
      (trial(.doesNotBuild(BuildFailure(diagnostics: [], tail: []))), .build),
      (trial(.fault(HarnessFault(stage: .tests, message: ""))), .tests),
      (trial(.ran(guest([], ending: .stoppedEarly, booted: false))), .boot),
      (trial(.ran(guest([], ending: .stoppedEarly))), .tests),
      (trial(.ran(guest([]))), .done),
      (trial(.interrupted), .apply),
      (trial(.interrupted, seconds: StageSeconds([.apply: 1, .compile: 1])), .build),
      (trial(.interrupted, seconds: StageSeconds([.apply: 1, .compile: 1, .boot: 1])), .boot),
      (trial(.interrupted, seconds: StageSeconds([.apply: 1, .compile: 1, .boot: 1, .tests: 1])), .tests),
    ] as [(Trial?, Stage)])
  func theFurthestStage(trial: Trial?, expected: Stage) { #expect(stage(of: trial) == expected) }

  @Test(
    arguments: [
      ([.clean, .fixes], false, 0),
      ([.clean, .regresses], false, 1),
      ([.doesNotApply], false, 1),
      ([.doesNotBuild], false, 1),
      ([.doesNotBoot], false, 1),
      ([.regresses, .inconclusive], false, 3),
      ([.inconclusive], false, 3),
      ([.clean], true, 3),
      ([.regresses], true, 3),
      ([], false, 3),
    ] as [([Verdict], Bool, Int32)])
  func theExitStatus(verdicts: [Verdict], interrupted: Bool, expected: Int32) {
    let judgements = verdicts.map { verdict in
      var judgement = judged(nil, base: nil)
      judgement.verdict = verdict
      return judgement
    }
    #expect(ExitStatus.of(judgements, interrupted: interrupted) == expected)
  }
}

@Suite struct ContinuedRunTests {
  private let lost = { (name: String) in TestResult(name: name, status: .missing, reason: "the guest ended before it") }

  private func died(_ tests: [TestResult], in name: String, _ ending: GuestEnding) -> GuestRun {
    var run = guest(tests, reports: ["BUG in \(name)"], ending: ending)
    run.deaths = [GuestDeath(test: name, ending: ending)]
    return run
  }

  @Test func aFreshGuestAnswersWhatTheDeadOneDidNot() {
    let first = died([test("a", .ok), lost("b"), lost("c"), lost("d")], in: "b", .panicked("p"))
    let second = died([test("c", .notOk), lost("d")], in: "d", .stoppedEarly)
    let run = first.continued(by: second)
    #expect(run.ending == .panicked("p"))
    #expect(run.deaths.map(\.test) == ["b", "d"])
    #expect(run.tests.map(\.status) == [.ok, .missing, .notOk, .missing])
    #expect(run.reports.map(\.title) == ["BUG in b", "BUG in d"])
    #expect(run.anomalies == [])
    #expect(run.whereabouts == "in b")
  }

  @Test func oneThatDoesNotComeUpIsSaid() {
    let first = died([test("a", .ok), lost("b"), lost("c")], in: "b", .stoppedEarly)
    let run = first.continued(by: guest([], ending: .bootDeadline(seconds: 9), booted: false))
    #expect(run.tests == first.tests)
    #expect(run.anomalies.count == 1)
    let killed = first.continued(by: guest([lost("c")], ending: .machineDied("signal 9")))
    #expect(killed.anomalies.count == 1)
    #expect(killed.ending == .stoppedEarly)
  }

  @Test func oneThatBootsTheSecondTimeOnlyIsSaid() {
    let first = died([test("a", .ok), lost("b"), lost("c")], in: "b", .stoppedEarly)
    #expect(first.continued(by: bootsSecond(guest([test("c", .ok)]))).bootFailure == .silent(seconds: 9))
    #expect(bootsSecond(first).continued(by: guest([test("c", .ok)])).bootFailure == .silent(seconds: 9))
  }

  /// The results of a fresh guest cannot make up for the one that died, on either side.
  @Test func aDeathStaysOne() {
    let whole = guest([test("a", .ok), test("b", .ok)])
    let run = died([lost("a"), lost("b")], in: "a", .stoppedEarly).continued(by: guest([test("b", .ok)]))
    #expect(judged(.ran(run), base: .ran(whole)).verdict == .regresses)
    #expect(judged(.ran(whole), base: .ran(run)).verdict == .inconclusive)
  }
}
