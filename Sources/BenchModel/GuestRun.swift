// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

/// How a guest ended.
public enum GuestEnding: Codable, Sendable, Hashable {
  /// The end marker arrived and the guest powered itself off.
  case completed
  /// The kernel reported a panic on its console; the payload is its first line.
  case panicked(String)
  /// The machine stopped or was reset without an end marker or any message.
  case stoppedEarly
  /// No output on either channel for so many seconds, or, once the tests had begun, none from them; the guest
  /// was destroyed.
  case silent(seconds: Double)
  /// The guest did not say hello within so many seconds, though its console was alive; it was destroyed.
  case bootDeadline(seconds: Double)
  /// The guest was still talking when the time limit of the run expired; it was destroyed.
  case runDeadline(seconds: Double)
  /// It sent more results than are kept of one guest, and was destroyed; the results of later tests are unknown.
  case flooded
  /// QEMU itself died or was killed, which says nothing about the kernel.
  case machineDied(String)

  /// Whether the running test ended the guest. When the run's time limit expires, any test may have been running.
  public var endsATest: Bool {
    switch self {
    case .panicked, .stoppedEarly, .silent: true
    case .completed, .bootDeadline, .runDeadline, .flooded, .machineDied: false
    }
  }
}

/// A problem that the kernel reported on its console.
public struct KernelReport: Codable, Sendable, Hashable {
  /// What and where, in syzbot's format: `KASAN: slab-use-after-free Read in dma_buf_mmap`.
  public var title: String
  public var kind: Kind
  /// The report's lines, first to last, without timestamps, a few hundred at most.
  public var trace: [String]
  /// The test that was running, from the marks that PID 1 leaves in the kernel log; `nil` during boot and shutdown.
  public var test: String?

  public enum Kind: String, Codable, Sendable, Hashable, CaseIterable {
    case kasan
    case kcsan
    case kfence
    case kmsan
    case kmemleak
    case ubsan
    case bug
    case warning
    case oops
    case lockdep
    case atomicSleep = "atomic-sleep"
    case hungTask = "hung-task"
    case softLockup = "soft-lockup"
    case hardLockup = "hard-lockup"
    case rcuStall = "rcu-stall"
    case refcount
    case listCorruption = "list-corruption"
    case pageState = "page-state"
    case outOfMemory = "out-of-memory"
    case panic
  }

  public init(title: String, kind: Kind, trace: [String], test: String?) {
    self.title = title
    self.kind = kind
    self.trace = trace
    self.test = test
  }
}

/// What is known about a guest that hung.
public struct GuestHang: Codable, Sendable, Hashable {
  /// How far it got.
  public enum Place: Codable, Sendable, Hashable {
    /// Its console stayed empty.
    case noOutput
    /// The kernel printed something, but PID 1 never did.
    case beforeInit
    case inTest(String)
    /// PID 1 had spoken, but no test was running.
    case betweenTests
  }

  /// What its processors were doing.
  public enum State: String, Codable, Sendable, Hashable {
    /// At least one was running kernel code: it spins.
    case busy
    /// All were idle: something waits for an event that does not come.
    case asleep
    /// The guest did not answer.
    case unknown
  }

  public var place: Place
  public var state: State
  /// The kernel functions that its processors were executing.
  public var busyIn: [String]
  /// Tasks in uninterruptible sleep: `patchbench-guest in dma_buf_mmap`.
  public var blocked: [String]
  /// Everything that the kernel printed when it was interrupted: backtraces, held locks, blocked tasks.
  public var answer: [String]

  public init(place: Place, state: State, busyIn: [String], blocked: [String], answer: [String]) {
    self.place = place
    self.state = state
    self.busyIn = busyIn
    self.blocked = blocked
    self.answer = answer
  }
}

/// A test that ended its guest.
public struct GuestDeath: Codable, Sendable, Hashable {
  /// The test that was running.
  public var test: String
  public var ending: GuestEnding

  public init(test: String, ending: GuestEnding) {
    self.test = test
    self.ending = ending
  }
}

/// All that a guest left behind, including the guests that replaced it after a test had ended it.
public struct GuestRun: Codable, Sendable, Hashable {
  /// `uname -r` of the kernel that ran, from the first line of its console; `nil` if it printed none.
  public var release: String?
  public var accelerator: Accelerator
  /// How the first guest ended.
  public var ending: GuestEnding
  /// Each test that ended a guest, in plan order. The tests after the last one ran in a guest that survived them,
  /// unless they are `missing`.
  public var deaths: [GuestDeath]
  /// Whether the guest said hello, which is what "booted" means here.
  public var booted: Bool
  /// How an earlier guest of the same kernel ended, which did not boot and did not say why; `nil` if there was none.
  public var bootFailure: GuestEnding?
  /// The tests in plan order, one result each; tests that never reported are `missing`.
  public var tests: [TestResult]
  public var reports: [KernelReport]
  /// Which of the changed code ran; `nil` if nothing was to be counted.
  public var execution: Execution?
  /// Gaps in the evidence: lines that contradict the plan, a lost end marker.
  public var anomalies: [String]
  /// The number of lines on the results port that the guest's PID 1 had not signed; `nil` if there were none.
  public var unsigned: Int?
  /// How often signed output of PID 1 contradicted itself or its plan, or came out of order; `nil` if never.
  public var contradictions: Int?
  /// The last lines of the console, for a guest that did not complete.
  public var lastLines: [String]
  /// What the guest was doing, if it had to be destroyed.
  public var hang: GuestHang?
  /// By test: what the kernel printed while it ran.
  public var logs: [String: [String]]?
  /// The tests that only ran out of a limit shorter than the usual one. They count as skipped until a rerun answers;
  /// `nil` if there are none.
  public var overdue: [String]?
  /// How long each test took, in seconds of the host, by name; `nil` in old records.
  public var seconds: [String: Double]?

  public init(
    release: String?, accelerator: Accelerator, ending: GuestEnding, booted: Bool, tests: [TestResult],
    reports: [KernelReport], anomalies: [String], lastLines: [String]
  ) {
    self.release = release
    self.accelerator = accelerator
    self.ending = ending
    deaths = []
    self.booted = booted
    self.tests = tests
    self.reports = reports
    self.anomalies = anomalies
    self.lastLines = lastLines
  }

  /// The kernel did not boot and did not say why: no panic, and no output of PID 1. The emulator may be to blame.
  public var failsToBootSilently: Bool {
    switch ending {
    case .stoppedEarly, .silent, .bootDeadline: !booted && !isGarbled
    case .completed, .panicked, .runDeadline, .flooded, .machineDied: false
    }
  }

  /// Output on the results port is unusable, so that it is not known how far the guest got.
  public var isGarbled: Bool { unsigned != nil || contradictions != nil }

  /// The report with which lockdep turned itself off, if any: it sees nothing after that. lockdep turns itself off with
  /// its own first report, and when the kernel gets a taint that makes locks untrustworthy (`add_taint()` with
  /// `LOCKDEP_NOW_UNRELIABLE` in `kernel/panic.c`, as for an oops and for KASAN reports). A WARN leaves it on.
  public var lockdepEndsWith: KernelReport? {
    reports.first { [.lockdep, .kasan, .oops, .bug, .pageState, .panic].contains($0.kind) }
  }

  /// Returns this run, with the results of a fresh guest for the tests after the last death.
  public func continued(by next: GuestRun) -> GuestRun {
    var run = self
    let answers = Dictionary(next.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    run.tests = tests.map { test in test.status == .missing ? answers[test.name] ?? test : test }
    run.deaths += next.deaths
    run.reports += next.reports
    run.hang = hang ?? next.hang
    run.bootFailure = bootFailure ?? next.bootFailure
    run.logs = (logs ?? [:]).merging(next.logs ?? [:]) { first, second in first + second }
    if let more = next.seconds { run.seconds = (seconds ?? [:]).merging(more) { _, last in last } }
    if let more = next.execution { run.execution = run.execution?.adding(more) ?? more }
    run.anomalies += next.anomalies
    if !next.booted {
      run.anomalies.append("no fresh guest came up for the remaining tests")
    } else if next.ending != .completed, next.deaths.isEmpty {
      run.anomalies.append("the fresh guest for the remaining tests ended outside any of them")
    }
    return run
  }
}
