// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SeriesIntake
import TestBench
import TestSupport
import Testing
import Verdicts

@testable import Bench

extension TrialTests {
  /// The title of the report of a function that warns.
  private func title(_ function: String) -> String { "WARNING in \(function)" }

  /// Returns the titles of the reports that count against the series.
  private func newReports(_ trial: Trial, _ runner: TrialRunner<ScriptedHost>) async -> [String] {
    let judgement = judge(
      PatchSeries(name: "s", patches: []), trial: trial, base: await base(runner).trial())
    return judgement.reports.filter { !$0.onBase }.map(\.report.title)
  }

  @Test("a kernel report counts unless the base, asked for its test alone, has it too")
  func reportOnBase() async throws {
    let all = GuestScript.answers(answers(.ok, .ok, .ok), warning: [names[0]: "f", names[2]: "g"])
    let asked = [(name: names[0], status: TestStatus.ok), (name: names[2], status: .ok)]
    let host = ScriptedHost(
      [
        all, GuestScript.answers(asked, warning: [names[0]: "f"]),
        // The first guest of the base reported something, which may have hidden the rest.
        GuestScript.answers([asked[1]]),
      ], clock: ScriptClock())
    let trial = try await tried(host, .standard)
    #expect(try run(trial).reports.map(\.title) == [title("f"), title("g")])
    #expect(trial.baseReports?.map(\.title) == [title("f")])
    let runner = try await runner(host, plan(.standard))
    #expect(await newReports(trial, runner) == [title("g")])
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 3)
  }

  @Test("the base is asked once for all series of a run")
  func reportAskedOnce() async throws {
    let series = GuestScript.answers(answers(.ok, .ok, .ok), warning: [names[1]: "f"])
    let host = ScriptedHost(
      [series, GuestScript.answers([(names[1], .ok)], warning: [names[1]: "f"]), series], clock: ScriptClock())
    let runner = try await runner(host, plan(.standard))
    let base = base(runner)
    for _ in 0..<2 {
      var trial = trial("s", runner)
      try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
      try await runner.tryAgain(
        bootable(runner), base: base, long, evidence: evidence("s"), scratch: small.scratch.path, trial: &trial)
      #expect(trial.baseReports?.map(\.title) == [title("f")])
    }
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 3)
  }

  @Test("a report that the base has too ends no trial early")
  func reportEndsNothing() async throws {
    let warns = GuestScript.answers(answers(.ok, .ok, .ok), warning: [names[1]: "f"])
    let onBase = GuestScript.answers([(names[1], .ok)], warning: [names[1]: "f"])
    let (host, tried) = try await untilCaught(nil, [warns, onBase, warns])
    #expect(tried.cutShort == nil)
    #expect(tried.baseReports?.map(\.title) == [title("f")])
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 3)
    // What was asked is kept if a test then ends the trial.
    let (_, failed) = try await untilCaught(
      [.report(title("f")), .test(names[0]), .test(names[2])],
      [
        warns, onBase, GuestScript.answers(answers(.notOk, .ok, .notOk), warning: [names[1]: "f"]),
      ])
    #expect(failed.baseReports?.map(\.title) == [title("f")])
    guard case .test(names[0], _)? = failed.cutShort else {
      Issue.record("\(String(describing: failed.cutShort))")
      return
    }
    // If the base does not have it, it is the evidence.
    let silent = GuestScript.answers([(names[1], .ok)])
    let (_, caught) = try await untilCaught(nil, [warns, silent])
    #expect(caught.cutShort == .report(title("f")))
    #expect(caught.baseReports == nil)
  }

  @Test("the base is not asked for a test that only a console names")
  func reportOfNoTest() async throws {
    let foreign = "a/x/two patchbench.seed=1"
    let all = answers(.ok, .ok, .ok)
    let host = ScriptedHost(
      [
        // One after the other: a guest that warns in what it calls a test, and then runs those that it was asked for.
        GuestScript.answers([(foreign, .ok)], warning: [foreign: "f"]).dropLast(2) + GuestScript.answers(all)
      ], clock: ScriptClock())
    let trial = try await tried(host, .standard)
    #expect(try run(trial).reports.map(\.test) == [foreign])
    #expect(trial.baseReports == nil)
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 1)
    #expect(
      WorseWhole(trial, beside: timed(), baseAgain: [], BaseAnswers(timed(), known: [], isStrict: false))?.struck == [])
  }

  @Test("a resumed run knows what the base's reruns reported")
  func reportResumed() throws {
    let report = KernelReport(title: title("f"), kind: .warning, trace: [], test: names[0])
    let base = BaseTrials(again: [1: [TestResult(name: names[0], status: .ok)]], reports: [report, report])
    #expect(base.reports == [report])
  }
}
