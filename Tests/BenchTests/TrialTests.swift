// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox
import Verdicts

@testable import Bench

/// Trials with real builds, of a tree that builds in no time, and with scripted guests.
@Suite struct TrialTests {
  let small = try! SmallTree()
  let names = ["a/x/one", "a/x/two", "a/x/three"]

  /// A checkout with only the files that a run needs.
  private var checkout: Checkout {
    get throws {
      let home = small.scratch.path.appending("checkout")
      let checkout = Checkout(home: home, version: "test", suite: .scripted(in: home))
      let manager = FileManager.default
      if manager.fileExists(atPath: checkout.guestBinary.string) { return checkout }
      for file in [checkout.guestBinary, checkout.driver.appending("Kbuild")] {
        try manager.createDirectory(
          atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
      }
      // No guest is started, so any program will do.
      try manager.copyItem(atPath: "/bin/true", toPath: checkout.guestBinary.string)
      try Data("obj-m := pbtest.o\n".utf8).write(to: URL(filePath: checkout.driver.appending("Kbuild").string))
      return checkout
    }
  }

  func plan(_ policy: RetryPolicy) throws -> RunPlan {
    RunPlan(
      target: RunTarget(
        kernel: small.kernel, profile: try small.kernel.profile("p"), connection: nil, accelerator: .tcg),
      series: [],
      choices: RunChoices(
        tests: [], fresh: true, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local),
      retryPolicy: policy,
      limits: RunLimits(resources: Resources(jobs: 1, memory: 8192), sandbox: nil), checkout: try checkout,
      place: RunPlace(cache: small.cache, output: nil, results: "results", environment: [:]), purpose: .verdicts)
  }

  func runner(
    _ host: ScriptedHost, _ plan: RunPlan, sinks: [any EventSink] = []
  ) async throws -> TrialRunner<ScriptedHost> {
    let scratch = small.scratch.path.appending("work")
    let base = small.scratch.path.appending("base")
    for path in [scratch, base] {
      try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }
    let prepared = try await PreparedRun.make(
      plan.target, checkout: plan.checkout, place: plan.place, jobs: 1, cage: nil, scratch: scratch
    ) { _ in }
    return TrialRunner(
      prepared: prepared, asked: AskedTests(names: names, isPart: false),
      guests: GuestSetup(
        accelerator: .tcg, clocks: TrialClocks(KernelDefinition.Clocks(), .tcg, boot: nil), keepsMemory: false,
        baseInitramfs: prepared.initramfs),
      rules: TrialRules(plan), resources: plan.limits.resources, host: host,
      events: EventHub(try EventRecorder(small.scratch.path.appending("events.jsonl")), sinks),
      baseAgain: BaseEvidence(directory: base, tries: Counter()))
  }

  func bootable(_ runner: TrialRunner<ScriptedHost>) -> Bootable {
    Bootable(
      image: runner.base.image, initramfs: runner.prepared.initramfs, trace: nil, modules: runner.driver.modules,
      asked: runner.asked)
  }

  func trial(_ series: String?, _ runner: TrialRunner<ScriptedHost>) -> Trial {
    Trial(
      series: series, cell: runner.rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
  }

  func answers(_ statuses: TestStatus...) -> [(name: String, status: TestStatus)] {
    zip(names, statuses).map { ($0, $1) }
  }

  func run(_ trial: Trial) throws -> GuestRun {
    guard case .ran(let run) = trial.result else { throw StageError.fault(.tests, "\(trial.result)") }
    return run
  }

  func evidence(_ name: String) throws -> FilePath {
    let path = small.scratch.path.appending(name)
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    return path
  }

  let long = TestLimits(long: 45)
  private static let once = RetryPolicy(retries: 0, repeats: 1)

  @Test("if a test ends its guest, a fresh guest runs the tests after it")
  func death() async throws {
    let host = ScriptedHost(
      [
        GuestScript.panics(behind: answers(.ok), of: names),
        GuestScript.answers([(names[2], .ok)]),
      ], clock: ScriptClock())
    let runner = try await runner(host, plan(Self.once))
    var trial = trial("s", runner)
    try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
    let run = try run(trial)
    #expect(run.tests.map(\.name) == names)
    #expect(run.tests.map(\.status) == [.ok, .missing, .ok])
    #expect(run.deaths.map(\.test) == [names[1]])
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 2)
  }

  /// A machine that stops before its kernel says anything.
  private static let stopsAtOnce: [Step] = [.stop(.guest)]

  @Test("a kernel that does not boot and does not say why is asked once more")
  func secondBoot() async throws {
    let host = ScriptedHost(
      [Self.stopsAtOnce, GuestScript.answers(answers(.ok, .ok, .ok))], clock: ScriptClock())
    let runner = try await runner(host, plan(.standard))
    var trial = trial("s", runner)
    try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
    let run = try run(trial)
    #expect(run.booted)
    #expect(run.bootFailure == .stoppedEarly)
    #expect(run.tests.map(\.status) == [.ok, .ok, .ok])
    #expect(run.anomalies == [])
  }

  @Test("a second guest that panics, or whose machine dies, says more than the silent one before it")
  func secondEnding() async throws {
    let panic: [Step] = [.console("[    1.000000] Kernel panic - not syncing: x\n"), .stop(.guest)]
    let dead: [Step] = [.stop(.emulator("killed"))]
    for (second, ending) in [
      (panic, GuestEnding.panicked("Kernel panic - not syncing: x")), (dead, .machineDied("killed")),
    ] {
      let host = ScriptedHost([Self.stopsAtOnce, second], clock: ScriptClock())
      let runner = try await runner(host, plan(.standard))
      var trial = trial("s", runner)
      try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
      #expect(try run(trial).ending == ending)
      #expect(try run(trial).booted == false)
    }
  }

  @Test("a kernel that never boots has the first guest's ending", arguments: [0, 1])
  func noBoot(retries: Int) async throws {
    let host = ScriptedHost([Self.stopsAtOnce, Self.stopsAtOnce], clock: ScriptClock())
    let runner = try await runner(host, plan(RetryPolicy(retries: retries, repeats: 1)))
    var trial = trial("s", runner)
    try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
    let run = try run(trial)
    #expect(!run.booted)
    #expect(run.ending == .stoppedEarly)
    #expect(run.bootFailure == nil)
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 1 + retries)
  }

  @Test("a guest that does not plan the requested tests is not believed")
  func others() async throws {
    let host = ScriptedHost([GuestScript.answers([(names[0], .ok)])], clock: ScriptClock())
    let runner = try await runner(host, plan(Self.once))
    var trial = trial("s", runner)
    try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
    #expect(try run(trial).anomalies == ["the guest did not plan exactly the 3 tests that it was asked for"])
  }

  /// A base that answers all tests.
  func base(_ runner: TrialRunner<ScriptedHost>) -> BaseTrials {
    let base = BaseTrials()
    var whole = trial(nil, runner)
    whole.result = .ran(
      GuestRun(
        release: "6", accelerator: .tcg, ending: .completed, booted: true,
        tests: names.map { TestResult(name: $0, status: .ok) }, reports: [], anomalies: [],
        lastLines: []))
    base.fulfil(whole)
    return base
  }

  /// A trial whose tests ran, and were rerun beside a base that answers all of them.
  func tried(
    _ host: ScriptedHost, _ policy: RetryPolicy, limits: TestLimits? = nil, sinks: [any EventSink] = []
  ) async throws -> Trial {
    let runner = try await runner(host, plan(policy), sinks: sinks)
    var trial = trial("s", runner)
    let limits = limits ?? long
    try await runner.boot(bootable(runner), limits, evidence: evidence("s"), trial: &trial)
    trial.result = .ran(limits.takingBack(try run(trial), base: timed()))
    try await runner.tryAgain(
      bootable(runner), base: base(runner), limits, evidence: evidence("s"), scratch: small.scratch.path,
      trial: &trial)
    await runner.events.drain()
    return trial
  }

  /// Keeps which reruns were told.
  private struct Retries: EventSink {
    var told: Locked<[String]>

    func take(_ event: BenchEvent) {
      guard case .retrying(let series, let number, let of) = event.kind else { return }
      told.withLock { $0.append("\(series ?? "base") \(number)/\(of)") }
    }
  }

  @Test("a changed result is rerun in restored guests, on the series and on the base")
  func retries() async throws {
    let again = GuestScript.answers([(names[1], .notOk)])
    let onBase = GuestScript.answers([(names[1], .ok)])
    let host = ScriptedHost(
      [
        GuestScript.answers(answers(.ok, .notOk, .ok)), GuestScript.holds, again, again, GuestScript.holds, onBase,
        onBase,
      ], clock: ScriptClock())
    let told = Locked([String]())
    let trial = try await tried(host, RetryPolicy(retries: 2, repeats: 1), sinks: [Retries(told: told)])
    #expect(told.withLock { $0 } == ["s 1/2", "s 2/2"])
    #expect(trial.again?.map { $0.map(\.status) } == [[.notOk], [.notOk]])
    #expect(trial.baseAgain?.map { $0.map(\.status) } == [[.ok], [.ok]])
    // One boot for the series' tests, and one on each side for the saved guest.
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 3)
    // Guests are ordered to run only what changed. The order decides, whatever a script answers.
    #expect(ordered(host) == Array(repeating: [names[1]], count: 4))
    #expect(try run(trial).anomalies == [])
  }

  func untilCaught(_ named: [Witness]?, _ scripts: [[Step]]) async throws -> (ScriptedHost, Trial) {
    let host = ScriptedHost(scripts, clock: ScriptClock())
    let runner = try await runner(host, plan(.standard))
    let tried = try await runner.runUntilWorse(
      bootable(runner), trial("s", runner), named: named, base: base(runner), evidence: evidence("s"),
      scratch: small.scratch.path)
    return (host, tried)
  }

  @Test("a planted fault whose guest dies of something else runs again, so that what is named gets its turn")
  func diesOfSomethingElse() async throws {
    let (host, tried) = try await untilCaught(
      [.test(names[2])],
      [
        GuestScript.panics(behind: answers(.ok), of: names), GuestScript.panics(behind: answers(.ok), of: names),
        GuestScript.answers([(names[2], .notOk)]),
      ])
    #expect(try run(tried).tests.map(\.status) == [.ok, .missing, .notOk])
    #expect(tried.cutShort == nil)
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 3)
    // A death in a named test is what was waited for.
    let (once, caught) = try await untilCaught(
      [.test(names[1])], [GuestScript.panics(behind: answers(.ok), of: names)])
    #expect(try run(caught).deaths.map(\.test) == [names[1]])
    #expect(once.calls.count { if case .started = $0 { true } else { false } } == 1)
  }

  @Test("with repeats, each further guest runs all tests")
  func repeats() async throws {
    let all = GuestScript.answers(answers(.ok, .ok, .ok))
    let host = ScriptedHost([all, GuestScript.holds, all, all], clock: ScriptClock())
    let trial = try await tried(host, RetryPolicy(retries: 0, repeats: 3))
    #expect(trial.again?.count == 2)
    #expect(ordered(host) == [names, names])
    #expect(try run(trial).anomalies == [])
  }

  /// The tests that each restored guest was ordered to run.
  private func ordered(_ host: ScriptedHost) -> [[String]] {
    host.calls.compactMap {
      if case .restored(_, let orders, _) = $0 { GuestOptions(commandLine: orders).only } else { nil }
    }
  }

  @Test("if the guest to save dies while booting, that is reported, and the other guests are booted")
  func savedBootDies() async throws {
    let again = GuestScript.answers([(names[1], .notOk)])
    let host = ScriptedHost(
      [
        GuestScript.answers(answers(.ok, .notOk, .ok)),
        [.console("[    1.000000] Kernel panic - not syncing: Attempted to kill init!\n"), .stop(.guest)], again,
        again,
        // The base is rerun as well.
        GuestScript.holds, GuestScript.answers([(names[1], .ok)]), GuestScript.answers([(names[1], .ok)]),
      ], clock: ScriptClock())
    let trial = try await tried(host, RetryPolicy(retries: 2, repeats: 1))
    #expect(trial.again?.map { $0.map(\.status) } == [[.notOk], [.notOk]])
    #expect(
      try run(trial).anomalies == [
        "a further guest did not reach its tests: "
          + GuestEnding.panicked("Kernel panic - not syncing: Attempted to kill init!").words
      ])
  }

  @Test("if the base did not complete, nothing is rerun")
  func brokenBase() async throws {
    let host = ScriptedHost([GuestScript.answers(answers(.ok, .notOk, .ok))], clock: ScriptClock())
    let runner = try await runner(host, plan(RetryPolicy(retries: 2, repeats: 1)))
    var trial = trial("s", runner)
    try await runner.boot(bootable(runner), long, evidence: evidence("s"), trial: &trial)
    let base = BaseTrials()
    base.fulfil(nil)
    try await runner.tryAgain(
      bootable(runner), base: base, long, evidence: evidence("s"), scratch: small.scratch.path, trial: &trial)
    #expect(trial.again == nil)
    #expect(host.calls.count { if case .started = $0 { true } else { false } } == 1)
  }

  /// The limit for each test that restored guests were ordered to run.
  private func limits(_ host: ScriptedHost) -> [Int] {
    host.calls.compactMap {
      guard case .restored(_, let orders, _) = $0 else { return nil }
      let options = GuestOptions(commandLine: orders)
      return options.seconds(for: options.only[0])
    }
  }

  /// A trial whose tests answer like this, and how it is rerun twice: the first guest had short limits.
  private func rerun(_ first: [Step], _ further: [[Step]], overdue: [String]?) async throws -> (ScriptedHost, Trial) {
    let onBase = GuestScript.answers(answers(.ok, .ok, .ok))
    let host = ScriptedHost(
      [first, GuestScript.holds] + further + [GuestScript.holds, onBase, onBase], clock: ScriptClock())
    let trial = try await tried(
      host, RetryPolicy(retries: 2, repeats: 1), limits: TestLimits(long: 45, base: timed()))
    #expect(try run(trial).overdue == overdue)
    return (host, trial)
  }

  /// The base, of which each test took a tenth of a second.
  func timed() -> GuestRun {
    var run = GuestRun(
      release: "6", accelerator: .tcg, ending: .completed, booted: true,
      tests: names.map { TestResult(name: $0, status: .ok) }, reports: [], anomalies: [], lastLines: [])
    run.seconds = Dictionary(uniqueKeysWithValues: names.map { ($0, 0.1) })
    return run
  }

  @Test("a test that ran out of a short limit gets the long one, and has no answer before")
  func slow() async throws {
    let again = GuestScript.answers([(names[1], .ok)])
    let (host, trial) = try await rerun(
      GuestScript.answers(answers(.ok, .timeout, .ok)), [again, again], overdue: [names[1]])
    #expect(try run(trial).tests.map(\.status) == [.ok, .skip, .ok])
    #expect(try run(trial).tests[1].reason.contains("not done in 10 s; it took 0.10 s on the base"))
    // It needed more than the short limit once, so it keeps the long one.
    #expect(limits(host).prefix(2) == [45, 45])
  }

  @Test("a test that runs out of the long limit as well costs the short one from then on")
  func hung() async throws {
    let again = GuestScript.answers([(names[1], .timeout)])
    let (host, trial) = try await rerun(
      GuestScript.answers(answers(.ok, .timeout, .ok)), [again, again], overdue: [names[1]])
    #expect(trial.again?.map { $0.map(\.status) } == [[.timeout], [.timeout]])
    #expect(limits(host).prefix(2) == [45, 10])
    // The base is always rerun with the long limit.
    #expect(limits(host).dropFirst(2) == [45, 45])
  }

  @Test("of tests that failed alike one is rerun, and the others only if it answers otherwise")
  func alike() async throws {
    let failed = GuestScript.answers([(names[0], .notOk)])
    let (host, _) = try await rerun(GuestScript.answers(answers(.notOk, .notOk, .ok)), [failed, failed], overdue: nil)
    #expect(ordered(host).prefix(2) == [[names[0]], [names[0]]])
    // One that passes in any rerun says nothing about the other, which is then rerun as often.
    let passed = GuestScript.answers([(names[0], .ok)])
    let other = GuestScript.answers([(names[1], .notOk)])
    for further in [[passed, failed], [failed, passed]] {
      let (host, trial) = try await rerun(
        GuestScript.answers(answers(.notOk, .notOk, .ok)), further + [other, other], overdue: nil)
      #expect(ordered(host).prefix(4) == [[names[0]], [names[0]], [names[1]], [names[1]]])
      // The base is asked about both.
      #expect(ordered(host).dropFirst(4) == [[names[0], names[1]], [names[0], names[1]]])
      #expect(trial.again?.count == 4)
    }
  }
}
