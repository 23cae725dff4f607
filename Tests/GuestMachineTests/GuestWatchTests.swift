// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import SystemPackage
import TestBench
import Testing

/// One guest's life, and the expected report of it.
struct Life: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var script: [Step]
  var ending: GuestEnding
  var booted = true
  var statuses: [TestStatus] = []
  var reports: [KernelReport.Kind] = []
  var isWhole = true
  var destroyed = false
}

private let plan = GuestWords.plan
private let first = GuestWords.first
private let second = GuestWords.second
private let banner = "[    0.000000] Linux version 6.12.117 (patchbench@patchbench) #1\n"
private let warning = """
  [    5.000000] ------------[ cut here ]------------
  [    5.000001] WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-buf.c:100 dma_buf_mmap+0x10/0x20
  [    5.000002] Call Trace:
  [    5.000003]  dma_buf_mmap+0x10/0x20
  [    5.000004] ---[ end trace 0000000000000000 ]---

  """
private let panic = "[    6.000000] Kernel panic - not syncing: Fatal exception\n"

@Suite struct GuestWatchTests {
  static let clocks = GuestClocks(boot: .seconds(30), silence: .seconds(20), run: .seconds(100))

  static let lives: [Life] = [
    Life(
      testDescription: "completes",
      script: [.console(banner), .results(plan), .results(first + second), .results(KTAPWriter.end(2)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok]),
    Life(
      testDescription: "completes, with its stream split at every byte",
      script: (plan + first + second + KTAPWriter.end(2)).map { .results(String($0)) } + [.stop(.guest)],
      ending: .completed, statuses: [.ok, .ok]),
    Life(
      testDescription: "warns after its end marker",
      script: [.results(plan + first + second + KTAPWriter.end(2)), .console(warning), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], reports: [.warning]),
    Life(
      testDescription: "panics in a test",
      script: [.results(plan + first + KTAPWriter.start(2)), .console(panic), .stop(.guest)],
      ending: .panicked("Kernel panic - not syncing: Fatal exception"), statuses: [.ok, .missing], reports: [.panic]),
    Life(
      testDescription: "panics while it shuts down",
      script: [.results(plan + first + second + KTAPWriter.end(2)), .console(panic), .stop(.guest)],
      ending: .panicked("Kernel panic - not syncing: Fatal exception"), statuses: [.ok, .ok], reports: [.panic]),
    Life(
      testDescription: "loses its tail",
      script: [.results(plan + first + second), .stop(.guest)], ending: .stoppedEarly, statuses: [.ok, .ok]),
    Life(
      testDescription: "is reset without a message",
      script: [.results(plan + KTAPWriter.start(1)), .stop(.guest)], ending: .stoppedEarly,
      statuses: [.missing, .missing]),
    Life(
      testDescription: "ends before it prints anything", script: [.stop(.guest)], ending: .stoppedEarly, booted: false),
    Life(
      testDescription: "panics before init", script: [.console(banner), .console(panic), .stop(.guest)],
      ending: .panicked("Kernel panic - not syncing: Fatal exception"), booted: false, reports: [.panic]),
    Life(
      testDescription: "prints nothing", script: [], ending: .silent(seconds: 20), booted: false, destroyed: true),
    Life(
      testDescription: "falls silent in a test", script: [.results(plan + first + KTAPWriter.start(2))],
      ending: .silent(seconds: 20), statuses: [.ok, .missing], destroyed: true),
    Life(
      testDescription: "prints, but never reaches init", script: [.console(banner), .chatter],
      ending: .bootDeadline(seconds: 30), booted: false, destroyed: true),
    Life(
      testDescription: "keeps printing on its console, but not about its tests",
      script: [.results(plan + first), .chatter],
      ending: .silent(seconds: 20), statuses: [.ok, .missing], destroyed: true),
    Life(
      testDescription: "prints and never ends",
      script: [.results(plan + first)]
        + (0..<12).flatMap { _ in [.pass(.seconds(10)), .results(KTAPWriter.start(2))] },
      ending: .runDeadline(seconds: 100), statuses: [.ok, .missing], destroyed: true),
    Life(
      testDescription: "dies with its emulator",
      script: [.results(plan + first), .stop(.emulator("QEMU ended: killed"))],
      ending: .machineDied("QEMU ended: killed"), statuses: [.ok, .missing]),
    Life(
      testDescription: "is destroyed by somebody else", script: [.results(plan + first), .stop(.destroyed)],
      ending: .machineDied("it was destroyed by somebody else"), statuses: [.ok, .missing]),
    Life(
      testDescription: "forges a result that was not planned",
      script: [.results(plan + first + "ok 7 a/b/other\n" + second + KTAPWriter.end(2)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], isWhole: false),
    Life(
      testDescription: "repeats a result",
      script: [.results(plan + first + first + second + KTAPWriter.end(2)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], isWhole: false),
    Life(
      testDescription: "miscounts its results",
      script: [.results(plan + first + second + KTAPWriter.end(3)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], isWhole: false),
    Life(
      testDescription: "writes garbage between its results",
      script: [.results(plan + first + "\u{1b}[31m<b>\n" + second + KTAPWriter.end(2)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], isWhole: false),
    Life(
      testDescription: "prints more on its console than is kept",
      script: [
        .results(plan + first), .console(warning), .cut(.console, 7), .cut(.console, 5),
        .results(second + KTAPWriter.end(2)), .stop(.guest),
      ],
      ending: .completed, statuses: [.ok, .ok], reports: [.warning], isWhole: false),
    Life(
      testDescription: "floods its console before it says hello",
      script: [.console(banner)] + Array(repeating: .cut(.console, 1 << 20), count: 3)
        + (0..<40).flatMap { _ in [.pass(.seconds(1)), .cut(.console, 1)] },
      ending: .bootDeadline(seconds: 30), booted: false, isWhole: false, destroyed: true),
    Life(
      testDescription: "floods its results",
      script: [.results(plan + first + KTAPWriter.start(2)), .cut(.results, 1), .results(second), .chatter],
      ending: .flooded, statuses: [.ok, .missing], isWhole: false, destroyed: true),
    Life(
      testDescription: "cannot be written to its file",
      script: [.notKept(.console, "no space"), .results(plan + first + second + KTAPWriter.end(2)), .stop(.guest)],
      ending: .completed, statuses: [.ok, .ok], isWhole: false),
    Life(
      testDescription: "ends with an end marker but no plan", script: [.results(KTAPWriter.end(0)), .stop(.guest)],
      ending: .completed, booted: false, isWhole: false),
  ]

  @Test(arguments: lives) func lifeIsToldAsItWas(_ life: Life) async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(life.script, clock: clock)
    let watched = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }
    #expect(watched.run.ending == life.ending)
    #expect(watched.run.booted == life.booted)
    #expect(watched.run.tests.map(\.status) == life.statuses)
    #expect(watched.run.reports.map(\.kind) == life.reports)
    #expect(watched.run.anomalies.isEmpty == life.isWhole, "\(watched.run.anomalies)")
    #expect(machine.wasDestroyed == life.destroyed)
    #expect(watched.run.lastLines.isEmpty || life.ending != .completed)
    // Only a guest's death during a test counts: not its machine's death, nor one between two tests.
    for death in watched.run.deaths {
      #expect(death.ending == life.ending)
      #expect(watched.run.tests.first { $0.status == .missing }?.name == death.test)
    }
  }

  /// Otherwise a hung test would be taken for a hung guest. A killed process may take five seconds to die.
  @Test(arguments: [Accelerator.kvm, .tcg]) func silenceIsLongerThanATest(_ accelerator: Accelerator) {
    #expect(GuestClocks.standard(accelerator).silence >= .seconds(GuestOptions().testSeconds + 15))
  }

  @Test func timesAreTakenAtHelloAndAtTheEnd() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [
        .pass(.seconds(5)), .results(plan), .pass(.seconds(3)), .results(first + second + KTAPWriter.end(2)),
        .stop(.guest),
      ], clock: clock)
    let watched = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }
    #expect(watched.boot == 5)
    #expect(watched.tests == 3)
  }

  @Test func theRunningTestIsNamedWhenItsResultIsLost() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine([.results(plan + KTAPWriter.start(1)), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.tests.map(\.reason) == ["it was running when the guest ended", "the guest ended before it"])
    #expect(run.deaths == [GuestDeath(test: "a/b/first", ending: .stoppedEarly)])
  }

  @Test(arguments: [
    [Step.results(plan + KTAPWriter.start(1)), .stop(.emulator("killed"))],
    [.results(plan)] + (0..<12).flatMap { _ in [Step.pass(.seconds(10)), .results(KTAPWriter.start(2))] },
    [.results(plan + first), .stop(.guest)],
    [.results(plan + first + second + KTAPWriter.end(2)), .stop(.guest)],
  ])
  func noTestIsToBlameForTheseEnds(_ script: [Step]) async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(script, clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.deaths == [])
  }

  @Test func aGuestThatStopsItsPlanSaysWhy() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [.results(plan + first + KTAPWriter.stopped("2 tests hang") + KTAPWriter.end(1)), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.ending == .completed)
    #expect(run.tests.map(\.status) == [.ok, .missing])
    #expect(run.tests[1].reason == "2 tests hang")
  }

  static let nmi = """
    [   60.000000][    C0] Kernel panic - not syncing: NMI: Not continuing
    [   60.000001][    C0] CPU: 0 UID: 0 PID: 38 Comm: init Not tainted 6.12.117 #1
    [   60.000002][    C0] RIP: 0010:dma_buf_mmap+0x10/0x20
    [   60.000003][    C0] Sending NMI from CPU 0 to CPUs 1:
    [   60.000004][    C1] NMI backtrace for cpu 1 skipped: idling at default_idle+0xf/0x20
    [   60.000005][    C0] task:init            state:D stack:0     pid:38    tgid:38    ppid:1      flags:0x00000000
    [   60.000006][    C0] Call Trace:
    [   60.000007][    C0]  <TASK>
    [   60.000008][    C0]  __schedule+0x10/0x20
    [   60.000009][    C0]  pbtest_wait+0x10/0x20

    """

  @Test(
    "a guest that hangs says why before it is destroyed",
    arguments: [
      ([], GuestHang.Place.noOutput), ([.console(banner)], .beforeInit), ([.results(plan)], .betweenTests),
      ([.results(plan + first + KTAPWriter.start(2))], .inTest("a/b/second")),
      ([.results(plan + KTAPWriter.start(1)), .console(banner)], .inTest("a/b/first")),
    ] as [([Step], GuestHang.Place)])
  func hangs(script: [Step], place: GuestHang.Place) async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(script, answering: [.console(Self.nmi), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.ending == .silent(seconds: 20))
    let hang = try #require(run.hang)
    #expect(hang.place == place)
    #expect(hang.state == .busy)
    #expect(hang.busyIn == ["dma_buf_mmap"])
    #expect(hang.blocked == ["init in pbtest_wait"])
    #expect(hang.answer.count == 10)
    // The panic was ours.
    #expect(run.reports == [])
    #expect(!machine.wasDestroyed)
  }

  @Test("a guest that does not answer is destroyed anyway")
  func silent() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine([.console(banner)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.hang == GuestHang(place: .beforeInit, state: .unknown, busyIn: [], blocked: [], answer: []))
    #expect(machine.wasDestroyed)
  }

  @Test("if the emulator takes no interrupt, the kernel is not at fault")
  func stopped() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine([.results(plan + KTAPWriter.start(1))], isStopped: true, clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.ending == .machineDied("the emulator itself does not answer"))
    #expect(run.deaths == [])
    #expect(run.hang == nil)
    #expect(machine.wasDestroyed)
  }

  @Test("test results after the guest's time is over come too late")
  func late() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [.results(plan + KTAPWriter.start(1))],
      answering: [.results(first + second + KTAPWriter.end(2)), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.tests.map(\.status) == [.missing, .missing])
    #expect(run.ending == .silent(seconds: 20))
  }

  @Test("the memory of a kernel that halts on panic is written once it has printed everything")
  func panicIsKept() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [
        .results(plan + KTAPWriter.start(1)), .console("[    2.000000] Kernel panic - not syncing: hard\n"),
        .pass(.seconds(1)), .console("[    2.100000] Call Trace:\n"),
      ], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock, memory: "/run/vmcore").watch(
      machine, accelerator: .tcg
    ) { _ in }.run
    #expect(run.ending == .panicked("Kernel panic - not syncing: hard"))
    #expect(run.deaths.map(\.test) == ["a/b/first"])
    #expect(run.lastLines.last?.contains("Call Trace:") == true)
    #expect(machine.dumps == ["/run/vmcore"])
    #expect(machine.wasDestroyed)
    #expect(run.anomalies == [])
  }

  @Test("the memory of a hung guest is written before the interrupt; a failure is reported")
  func hangIsKept() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [.console(banner)], answering: [.console(Self.nmi), .stop(.guest)], dumpFailure: "no space", clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock, memory: "/run/vmcore").watch(
      machine, accelerator: .tcg
    ) { _ in }.run
    #expect(run.ending == .silent(seconds: 20))
    #expect(run.hang?.busyIn == ["dma_buf_mmap"])
    #expect(machine.dumps == ["/run/vmcore"])
    #expect(run.anomalies == ["the guest's memory could not be kept: no space"])
  }

  @Test("a kernel halts on panic only if its memory is wanted")
  func staying() {
    let line = KernelCommandLine(GuestOptions(), for: .x86)
    #expect(line.parameters.contains("panic=-1"))
    #expect(line.staying.parameters.contains("panic=0"))
    #expect(line.staying.parameters.count == line.parameters.count)
  }

  @Test("a guest that ended by itself is not interrupted")
  func notAsked() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine([.results(plan + KTAPWriter.start(1)), .stop(.guest)], clock: clock)
    #expect(try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run.hang == nil)
  }

  @Test("each test has its slice of the kernel log, and its counts")
  func slices() async throws {
    let clock = ScriptClock()
    func mark(_ words: String) -> String { "[    1.000000] patchbench: test \(words)\n" }
    let log =
      banner + mark("begins: a/b/first") + "[    1.100000] vgem: one\n" + mark("ends: a/b/first")
      + "[    1.200000] between\n" + mark("begins: a/b/second")
      + (0..<500).map { "[    2.000000] line \($0)\n" }.joined()
      + mark("ends: a/b/second")
    let counts =
      KTAPWriter.ran("dma_buf_mmap", count: 3, number: 1) + KTAPWriter.ran("dma_buf_mmap.isra.0", count: 4, number: 1)
    let machine = ScriptedMachine(
      [.console(log), .results(plan + first + counts + second + KTAPWriter.end(2)), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.logs?["a/b/first"] == ["[    1.100000] vgem: one"])
    let second = try #require(run.logs?["a/b/second"])
    #expect(second.count == 121)
    #expect(second[60] == "… 380 lines are not shown …")
    #expect(second.last == "[    2.000000] line 499")
    #expect(run.execution == Execution(runs: ["dma_buf_mmap": ["a/b/first": 7]]))
  }

  @Test("cut output is counted and reported")
  func cut() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [.results(plan), .cut(.console, 7), .cut(.console, 5), .cut(.results, 3), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(
      run.anomalies == [
        "12 bytes of its console were over the limit and were not read",
        "3 bytes of its results were over the limit and were not read",
      ])
    // No test is to blame for unsigned lines on the port.
    #expect(run.deaths == [])
  }

  @Test func releaseIsReadFromTheConsole() async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine([.console(banner), .stop(.guest)], clock: clock)
    let run = try await GuestWatch(Self.clocks, clock: clock).watch(machine, accelerator: .tcg) { _ in }.run
    #expect(run.release == "6.12.117")
  }

  @Test func aProbeThatHearsNothingInTimeSaysSo() async throws {
    let clock = ScriptClock()
    let silent = ScriptedMachine([], clock: clock)
    #expect(try await !GuestWatch(Self.clocks, clock: clock).hello(silent))
    let alive = ScriptedMachine([.pass(.seconds(1)), .results(plan)], clock: clock)
    #expect(try await GuestWatch(Self.clocks, clock: clock).hello(alive))
  }

  /// Once the caller has seen enough, the guest is destroyed; its results until then stand.
  @Test(arguments: [
    ("a/b/first", 0, [TestStatus.ok, .missing]), ("a/b/second", 0, [.ok, .ok]), ("", 1, [.ok, .missing]),
  ]) func isEndedByWhoHasSeenEnough(_ name: String, _ reports: Int, _ statuses: [TestStatus]) async throws {
    let clock = ScriptClock()
    let machine = ScriptedMachine(
      [.results(plan + first), .pass(.seconds(1)), .console(warning + banner), .results(second), .chatter], clock: clock
    )
    let watched = try await GuestWatch(Self.clocks, clock: clock).watch(
      machine, accelerator: .tcg,
      isEnough: { test, found in test?.name == name || (reports > 0 && found.count >= reports) }, progress: { _ in })
    guard case .runDeadline = watched.run.ending else {
      Issue.record("it ended as \(watched.run.ending)")
      return
    }
    #expect(watched.run.tests.map(\.status) == statuses)
    #expect(watched.run.deaths == [])
  }
}
