// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import Bench

/// How a run begins and what a later process finds of it, without a kernel.
@Suite struct ResumeTests {
  private let scratch: Scratch
  private let plan: RunPlan

  init() throws {
    scratch = try Scratch()
    try scratch.write(
      "series/one/0001-x.patch",
      """
      From: A <a@example.org>
      Subject: [PATCH] x: y

      ---
      diff --git a/x.c b/x.c
      --- a/x.c
      +++ b/x.c
      @@ -1 +1 @@
      -a
      +b

      """)
    plan = RunPlan(
      target: RunTarget(
        kernel: KernelDefinition(name: "k", source: .tree("/nowhere"), profiles: [:]),
        profile: KernelDefinition.Profile(
          name: "p", fragments: [], image: .vmlinux, clocks: KernelDefinition.Clocks(), extent: .boot), connection: nil,
        accelerator: .tcg, choice: BaseChoice(reason: .named, revision: "v1")),
      series: try SeriesForms.find([scratch.path.appending("series").string]),
      choices: RunChoices(
        tests: [], fresh: true, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local),
      retryPolicy: RetryPolicy(retries: 2, repeats: 3),
      limits: RunLimits(resources: Resources(jobs: 1, memory: 1024), sandbox: Sandbox(jobs: 1)),
      checkout: Checkout(home: "/checkout", version: "test", suite: .scripted(in: "/checkout")),
      place: RunPlace(
        cache: try Cache(scratch.path.appending("cache")), output: scratch.path.appending("run"), results: "results",
        environment: [:]),
      purpose: .verdicts)
  }

  private var run: BenchRun { BenchRun(plan, sinks: []) }
  private let cell = Cell(
    kernel: "k", profile: "p", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")

  private func trial(_ series: String?, _ result: TrialResult) -> Trial {
    Trial(series: series, cell: cell, seconds: StageSeconds(), reused: false, result: result)
  }

  @Test func whatARunIsAskedToDoIsReadBack() async throws {
    let directory = try await run.begin()
    let recorded = try directory.recordedPlan()
    #expect(recorded.kernel == "k" && recorded.profile == "p" && recorded.home == "/checkout")
    #expect(recorded.accelerator == .tcg && recorded.fresh && recorded.repeats == 3 && recorded.retries == 2)
    #expect(recorded.choice == BaseChoice(reason: .named, revision: "v1"))
    #expect(recorded.cache == scratch.path.appending("cache").string)
    // Plans of earlier versions do not have it.
    #expect(recorded.eachPatch == nil)
    // The user's own files may disappear.
    try FileManager.default.removeItem(atPath: scratch.path.appending("series").string)
    let series = try await run.recordedSeries(of: directory)
    #expect(series.map(\.series.name) == ["one"])
    #expect(series[0].diffs == [directory.evidence("one").appending("0001.diff")])
    #expect(try String(contentsOfFile: series[0].diffs[0].string, encoding: .utf8).contains("+b"))
    #expect(try directory.record() == nil)
    #expect(!FileManager.default.fileExists(atPath: directory.path.appending("lock").string))
  }

  @Test func aSeriesThatIsNoneIsAResultAmongOthers() async throws {
    let evil = "diff --git a/../x.c b/../x.c\n--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-a\n+b\n"
    try scratch.write("series/two/0001-evil.diff", evil)
    var both = plan
    both.series = try SeriesForms.find([scratch.path.appending("series").string])
    let run = BenchRun(both, sinks: [])
    let series = try await run.recordedSeries(of: try await run.begin())
    #expect(series.map(\.series.name) == ["one", "two"])
    #expect(series.map { $0.refused?.message.contains("outside the kernel's tree") } == [nil, true])
    #expect(series[1].refused?.patch.file == "0001-evil.diff")
    // As the only series, it is a user error.
    both.series.removeFirst()
    both.place.output = scratch.path.appending("alone")
    await #expect(throws: IntakeError.self) { _ = try await BenchRun(both, sinks: []).begin() }
  }

  @Test func aDiffThatIsNoLongerWhatItWasIsRefused() async throws {
    let directory = try await run.begin()
    try Data("other".utf8).write(to: URL(filePath: directory.evidence("one").appending("0001.diff").string))
    await #expect(throws: NotResumable(path: directory.path.string, reason: .changed(["one/0001.diff"]))) {
      _ = try await run.recordedSeries(of: directory)
    }
  }

  @Test func aBeginningThatWasBrokenOffIsBegunAgainAndNothingElseIs() async throws {
    try scratch.write("run/lock", "1")
    try scratch.write("run/series/gone/0001.diff", "half")
    try scratch.write("run/plan.json.partial", "{")
    let directory = try await run.begin()
    #expect(!FileManager.default.fileExists(atPath: directory.evidence("gone").string))
    // It has begun: a run never overwrites another run's record.
    await #expect(throws: OutputNotEmpty(path: directory.path.string, isRun: true)) { _ = try await run.begin() }
    try FileManager.default.removeItem(atPath: directory.plan.string)
    try scratch.write("run/lock", "1")
    try scratch.write("run/series/one/notes", "somebody's")
    await #expect(throws: OutputNotEmpty(path: directory.path.string, isRun: false)) { _ = try await run.begin() }
    #expect(FileManager.default.fileExists(atPath: directory.evidence("one").appending("notes").string))
  }

  @Test func thereIsOneWriter() async throws {
    let directory = try await run.begin()
    let claim = try directory.claim()
    #expect(throws: RunInUse(path: directory.path.string, process: getpid())) { _ = try directory.claim() }
    await #expect(throws: RunInUse(path: directory.path.string, process: getpid())) {
      _ = try await run.goOn(in: directory)
    }
    directory.release(claim)
    directory.release(try directory.claim())
  }

  @Test func whatCannotBeReadIsNotGoneOnWith() async throws {
    let directory = RunDirectory(scratch.path.appending("other"))
    func reason() -> NotResumable.Reason? {
      do { _ = try directory.recordedPlan() } catch { return error.reason }
      return nil
    }
    #expect(reason() == .noPlan)
    try scratch.write("other/plan.json", "{")
    #expect(reason() == .unreadable)
    try scratch.write("other/plan.json", #"{"format": 99}"#)
    #expect(reason() == .otherFormat(99))
  }

  @Test func configurationsThatNeverBeganAreKnown() throws {
    #expect(RecordedMatrix(in: scratch.path) == nil)
    try RecordedMatrix(runs: ["b", "a"]).write(in: scratch.path)
    #expect(RecordedMatrix(in: scratch.path)?.runs == ["b", "a"])
  }

  @Test func whatDecidesTheResultsIsNamedWhereItIsAnother() {
    let before = RunConditions(
      program: "p", base: "b", driver: "d", guestBinary: "g", emulator: "7", accelerator: .tcg,
      devices: ["virtio-gpu-pci"])
    #expect(before.changes(since: before) == [])
    let paths: [WritableKeyPath<RunConditions, String>] = [\.program, \.base, \.driver, \.guestBinary, \.emulator]
    for path in paths {
      var now = before
      now[keyPath: path] = "other"
      #expect(now.changes(since: before).count == 1)
    }
    var now = before
    now.accelerator = .kvm
    #expect(now.changes(since: before) == ["the accelerator (tcg, now kvm)"])
    now = before
    now.devices = []
    #expect(now.changes(since: before) == ["the suite's devices"])
  }

  private func record(_ kinds: [BenchEvent.Kind]) throws -> RunRecord {
    let header = RunHeader(
      cell: cell, versions: RunHeader.Versions(source: "", toolchain: "", emulator: "", patchbench: ""),
      accelerator: .tcg,
      reason: "", processors: 1, series: [])
    let events = ([.runStarted(header)] + kinds).enumerated().map { index, kind in
      BenchEvent(at: Date(timeIntervalSince1970: Double(index)), kind: kind)
    }
    return try #require(RunRecord(events))
  }

  private let fault = TrialResult.fault(HarnessFault(stage: .boot, message: "no guest"))

  @Test func whatTheHarnessFailedAtIsNotFinished() throws {
    let report = KernelReport(title: "WARNING in f", kind: .warning, trace: [], test: "t")
    let finished = FinishedWork(
      try record([
        .trialFinished(trial("good", .sameCode)), .trialFinished(trial("bad", fault)),
        .trialFinished(trial(nil, fault)), .baseRepeated(trial(nil, .sameCode), number: 1),
        .baseRepeated(trial(nil, fault), number: 2),
        .baseTriedAgain([TestResult(name: "t", status: .ok)], reports: [report], number: 4),
        .runFinished(interrupted: true),
      ]))
    #expect(finished.base == nil)
    #expect(Set(finished.trials.keys) == ["good"])
    #expect(finished.repeats == [1])
    #expect(Set(finished.again.keys) == [4])
    #expect(finished.reports == [report])
    #expect(FinishedWork(nil) == FinishedWork(try record([])))
  }

  @Test func aResumedRunIsOneRun() throws {
    let broken: [BenchEvent.Kind] = [
      .trialFinished(trial("s", fault)), .baseRepeated(trial(nil, fault), number: 1), .runFinished(interrupted: true),
      .reported(seconds: 1), .runResumed,
    ]
    let going = try record(broken)
    #expect(going.interrupted && going.finished == nil && going.resumed == [Date(timeIntervalSince1970: 5)])
    let whole = try record(
      broken + [
        .trialFinished(trial("s", .sameCode)), .baseRepeated(trial(nil, .sameCode), number: 1),
        .runFinished(interrupted: false),
      ])
    #expect(!whole.interrupted && whole.trials["s"]?.result == .sameCode)
    // The new trial replaces the one that could not be tried.
    #expect(whole.repeats.map(\.result) == [.sameCode])
    #expect(whole.started == Date(timeIntervalSince1970: 0) && whole.finished == Date(timeIntervalSince1970: 8))
  }

  @Test func nothingOfABrokenTrialPassesForEvidence() async throws {
    let directory = try await run.begin()
    for name in [
      "series/one/console.log", "series/one/again-1.log", "series/done/console.log", "base/console.log",
      "base/console-again-1.log", "base/results-again-2.ktap", "base/repeat-01/console.log",
      "base/repeat-02/console.log",
    ] { try scratch.write("run/\(name)", "") }
    var finished = FinishedWork(nil)
    finished.base = trial(nil, .sameCode)
    finished.trials = ["done": trial("done", .sameCode)]
    finished.repeats = [2]
    finished.again = [1: []]
    func left() throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: directory.path.string)
        .filter { $0.contains(".") && $0 != "plan.json" }.sorted()
    }
    try directory.clear(but: finished, series: ["one", "done"])
    #expect(
      try left() == [
        "base/console-again-1.log", "base/console.log", "base/repeat-02/console.log", "series/done/console.log",
        "series/one/0001.diff",
      ])
    try directory.clear(but: FinishedWork(nil), series: ["one", "done"])
    #expect(try left() == ["series/one/0001.diff"])
  }

  @Test func whatTheBaseSaidAgainIsTakenUp() async throws {
    let base = BaseTrials(again: [
      2: [TestResult(name: "t", status: .notOk)], 1: [TestResult(name: "t", status: .ok)],
    ])
    var asked: [[String]] = []
    let said = try await base.again(["t", "u"], times: 2) { lists, tell in
      asked = lists
      for names in lists { tell(names.map { TestResult(name: $0, status: .skip) }, []) }
    }
    #expect(asked == [["u"], ["u"]])
    #expect(said.map { $0.map(\.status) } == [[.ok, .skip], [.notOk, .skip]])
  }
}
