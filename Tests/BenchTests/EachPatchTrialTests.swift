// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import SeriesIntake
import SystemPackage
import TestBench
import TestSupport
import Testing
import Verdicts

@testable import Bench

/// What is tried after the patches of a series, with scripted guests.
extension TrialTests {
  private static let again = RetryPolicy(retries: 1, repeats: 1)

  private func comparison(
    _ runner: TrialRunner<ScriptedHost>, whole: [TestStatus] = [.ok, .ok, .ok]
  ) async throws -> PatchComparison {
    let base = base(runner)
    let reference = try #require(await base.trial())
    let answers = BaseAnswers(timed(), known: [], isStrict: false)
    var trial = trial("s", runner)
    var run = timed()
    run.tests = zip(names, whole).map { TestResult(name: $0, status: $1) }
    trial.result = .ran(run)
    let worse = try #require(WorseWhole(trial, beside: timed(), baseAgain: [], answers))
    return PatchComparison(reference: reference, run: timed(), answers: answers, whole: worse, base: base)
  }

  /// Asks a kernel with the first patches of a series.
  private func ask(_ scripts: [[Step]], whole: [TestStatus] = [.ok, .ok, .ok]) async throws -> (
    asked: AskedPatch, started: Int
  ) {
    let host = ScriptedHost(scripts, clock: ScriptClock())
    let runner = try await runner(host, plan(Self.again))
    var first = FirstPatches(
      trial: trial("s", runner), bootable: bootable(runner), evidence: try evidence("patch-1"),
      scratch: try evidence("scratch-1"))
    let asked = try await runner.ask(.all, on: &first, try await comparison(runner, whole: whole))
    return (asked, host.calls.count { if case .started = $0 { true } else { false } })
  }

  @Test("what is worse after a patch is believed if a new guest says the same, and the base does not")
  func confirmedAfterPatch() async throws {
    let worse = GuestScript.answers(answers(.ok, .notOk, .ok))
    let (one, two) = (GuestScript.answers([(names[1], .notOk)]), GuestScript.answers([(names[1], .ok)]))
    let (asked, started) = try await ask([worse, one, two])
    #expect(asked.outcome == .ran(tests: 3))
    #expect(asked.tests == names)
    #expect(asked.answer?.groups == [[names[1]]])
    #expect(asked.answer?.good == [names[0], names[2]])
    #expect(started == 3)
  }

  @Test("what is worse only once, or on the base too, is not believed")
  func notConfirmedAfterPatch() async throws {
    let worse = GuestScript.answers(answers(.ok, .notOk, .ok))
    let (bad, good) = (GuestScript.answers([(names[1], .notOk)]), GuestScript.answers([(names[1], .ok)]))
    let once = try await ask([worse, good])
    #expect(once.asked.answer?.groups == [])
    // The search for a culprit takes it all the same, but it is not known to be good.
    #expect(once.asked.answer?.worse == [names[1]])
    #expect(once.started == 2)
    let both = try await ask([worse, bad, bad])
    #expect(both.asked.answer?.groups == [])
    #expect(both.started == 3)
  }

  @Test("what is worse with the whole series as well is not rerun after a patch")
  func worseWithWhole() async throws {
    let worse = GuestScript.answers(answers(.ok, .notOk, .ok))
    let (asked, started) = try await ask([worse], whole: [.ok, .notOk, .ok])
    #expect(asked.answer?.worse == [names[1]])
    #expect(asked.answer?.groups == [])
    #expect(started == 1)
  }

  @Test("a test that ends its guest after a patch is worse, and the others still run")
  func deathAfterPatch() async throws {
    let (asked, started) = try await ask([
      GuestScript.panics(behind: answers(.ok), of: names), GuestScript.answers([(names[2], .ok)]),
    ])
    #expect(asked.answer?.groups == [[names[1]]])
    #expect(asked.answer?.good == [names[0], names[2]])
    #expect(started == 2)
  }

  @Test("a test that runs out of a short limit after a patch has the long one for its answer")
  func slowAfterPatch() async throws {
    let late = GuestScript.answers(answers(.ok, .timeout, .ok))
    let (hung, done) = (GuestScript.answers([(names[1], .timeout)]), GuestScript.answers([(names[1], .ok)]))
    #expect(try await ask([late, hung, done]).asked.answer?.groups == [[names[1]]])
    #expect(try await ask([late, done]).asked.answer?.groups == [])
  }

  @Test("a kernel that does not boot after a patch is a result of that patch, and other tests than asked are none")
  func noAnswerAfterPatch() async throws {
    let panic: [Step] = [.console("[    1.000000] Kernel panic - not syncing: x\n"), .stop(.guest)]
    let dead = try await ask([panic]).asked
    let words = "does not boot: the kernel panicked (Kernel panic - not syncing: x)"
    #expect(dead.outcome == .failed(words))
    #expect(dead.answer?.kernel == words)
    let other = try await ask([GuestScript.answers([(names[0], .ok)])]).asked
    #expect(other.answer == nil)
    #expect(other.outcome == .fault("the guest did not plan exactly the 3 tests that it was asked for"))
  }

  private static func diff(_ old: String, _ new: String) -> String {
    """
    diff --git a/main.c b/main.c
    --- a/main.c
    +++ b/main.c
    @@ -1,4 +1,4 @@
     int first(void)
     {
    -\t\(old)
    +\t\(new)
     }

    """
  }

  /// A series of three patches with real builds, of which the whole compiles to the base's code.
  private func tried(_ choice: EachPatch, _ trial: inout Trial) async throws -> PatchTable? {
    let host = ScriptedHost([], clock: ScriptClock())
    var plan = try plan(Self.again)
    plan.choices.eachPatch = choice
    let runner = try await runner(host, plan)
    trial = self.trial("s", runner)
    trial.result = .sameCode
    let evidence = try evidence("s")
    let diffs = try [
      Self.diff("return 1;", "return undeclared_thing;"), Self.diff("return undeclared_thing;", "return 12;"),
      Self.diff("return 12;", "return 1;"),
    ].enumerated().map { try small.scratch.write("s/\(ReadSeries.diffName($0.offset + 1))", $0.element) }
    let series = PatchSeries(
      name: "s",
      patches: (1...3).map { Patch(subject: "patch \($0)", author: "a", file: "\($0).patch", paths: ["main.c"]) })
    let base = base(runner)
    return try await runner.testEachPatch(
      of: ReadSeries(series: series, diffs: diffs), beside: await base.trial(), base: base, evidence: evidence,
      scratch: small.scratch.path.appending("work"), trial: &trial)
  }

  @Test("each patch of a series is built by itself, and what a later one cures is told")
  func builtAfterEachPatch() async throws {
    var trial = Trial(
      series: nil,
      cell: Cell(kernel: "k", profile: "p", architecture: "a", toolchain: "t", extent: .boot, guest: "g"),
      seconds: StageSeconds(), reused: false, result: .sameCode)
    #expect(try await tried(.test, &trial) != nil)
    let tests = try #require(trial.patchTests)
    #expect(tests.isWhole)
    guard case .failed(let words)? = tests.steps.first?.outcome else {
      Issue.record("\(tests.steps)")
      return
    }
    #expect(words.contains("undeclared_thing"))
    // A tree without kbuild's records has no code to compare.
    #expect(tests.steps.dropFirst().map(\.outcome) == [.sameCode])
    let symptom = BisectionBreak.Symptom(kind: .kernel, name: words)
    #expect(tests.breaks == [BisectionBreak(number: 1, lastGood: 0, lastBad: 1, cure: 2, symptom: symptom)])
    #expect((trial.seconds[.blame] ?? 0) > 0)
    #expect(trial.seconds[.compile] == nil)
    // The build's evidence is beside the whole's, and nothing else is left.
    let log = small.scratch.path.appending("s").appending("patch-1").appending("build.log")
    #expect(FileManager.default.fileExists(atPath: log.string))
    let work = try FileManager.default.contentsOfDirectory(atPath: small.scratch.path.appending("work").string)
    #expect(!work.contains { $0.hasPrefix("patch-") })
  }

  @Test("nothing is tried if only the whole counts, and by default not what kbuild has to build")
  func notTriedAfterEachPatch() async throws {
    var trial = Trial(
      series: nil,
      cell: Cell(kernel: "k", profile: "p", architecture: "a", toolchain: "t", extent: .boot, guest: "g"),
      seconds: StageSeconds(), reused: false, result: .sameCode)
    #expect(try await tried(.none, &trial) == nil)
    #expect(trial.patchTests == nil)
    #expect(try await tried(.build, &trial) != nil)
    #expect(trial.patchTests?.steps.allSatisfy { if case .left = $0.outcome { true } else { false } } == true)
    #expect(trial.patchTests?.breaks == [])
    #expect(trial.seconds[.blame] == nil)
  }
}
