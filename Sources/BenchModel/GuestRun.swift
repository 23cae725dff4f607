// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

/// How a guest came to its end.
public enum GuestEnding: Codable, Sendable, Hashable {
  /// The end marker arrived and the guest ended itself.
  case completed
  /// The kernel said so on its console; the payload is its first line.
  case panicked(String)
  /// The machine stopped or was reset without an end marker and without a word.
  case stoppedEarly
  /// Nothing on either channel for so many seconds, or once the tests had begun nothing of them; the guest was destroyed.
  case silent(seconds: Double)
  /// The guest never said hello within so many seconds, though its console was alive; it was destroyed.
  case bootDeadline(seconds: Double)
  /// The guest was still talking when its time for the whole run was over; it was destroyed.
  case runDeadline(seconds: Double)
  /// It sent more results than are kept of a guest, and was destroyed: what it said of its tests behind them is not known.
  case flooded
  /// QEMU itself died or was killed: nothing can be said of the kernel.
  case machineDied(String)

  /// Whether the test that was running is what the guest ended in. A run whose time was over may have been in any test.
  public var endsATest: Bool {
    switch self {
    case .panicked, .stoppedEarly, .silent: true
    case .completed, .bootDeadline, .runDeadline, .flooded, .machineDied: false
    }
  }
}

/// A problem that the kernel reported on its console.
public struct KernelReport: Codable, Sendable, Hashable {
  /// In syzbot's manner, what and where: `KASAN: slab-use-after-free Read in dma_buf_mmap`.
  public var title: String
  public var kind: Kind
  /// The report's lines from its first to its last, without time stamps, at most a few hundred.
  public var trace: [String]
  /// The test that was running, by the marks that PID 1 leaves in the kernel log; `nil` during boot and shutdown.
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

/// What is known of a guest that hung.
public struct GuestHang: Codable, Sendable, Hashable {
  /// How far it had come.
  public enum Place: Codable, Sendable, Hashable {
    /// Nothing was ever on its console.
    case noOutput
    /// The kernel spoke, and PID 1 never did.
    case beforeInit
    case inTest(String)
    /// PID 1 had spoken, and no test was running.
    case betweenTests
  }

  /// What its processors did.
  public enum State: String, Codable, Sendable, Hashable {
    /// One at least was at work in the kernel: it spins.
    case busy
    /// None had anything to do: something waits for what does not come.
    case asleep
    /// It did not answer.
    case unknown
  }

  public var place: Place
  public var state: State
  /// The kernel's functions that its processors were in.
  public var busyIn: [String]
  /// Tasks in uninterruptible sleep: `patchbench-guest in dma_buf_mmap`.
  public var blocked: [String]
  /// All that the kernel said when it was interrupted: backtraces, held locks, blocked tasks.
  public var answer: [String]

  public init(place: Place, state: State, busyIn: [String], blocked: [String], answer: [String]) {
    self.place = place
    self.state = state
    self.busyIn = busyIn
    self.blocked = blocked
    self.answer = answer
  }
}

/// A guest that did not live through a test.
public struct GuestDeath: Codable, Sendable, Hashable {
  /// The test that was running.
  public var test: String
  public var ending: GuestEnding

  public init(test: String, ending: GuestEnding) {
    self.test = test
    self.ending = ending
  }
}

/// All that a guest left behind, and those that took its place when a test had ended it.
public struct GuestRun: Codable, Sendable, Hashable {
  /// `uname -r` of the kernel that ran, from the first line of its console; `nil` if it said none.
  public var release: String?
  public var accelerator: Accelerator
  /// Of the first guest.
  public var ending: GuestEnding
  /// Each test that ended a guest, in the order of the plan. The tests behind the last one were run by a guest that lived
  /// through them, unless they are `missing`.
  public var deaths: [GuestDeath]
  /// Whether the guest said hello, which is what "booted" means here.
  public var booted: Bool
  /// The tests in the order of the plan, one result each; those that never reported are `missing`.
  public var tests: [TestResult]
  public var reports: [KernelReport]
  /// What of the changed code ran; `nil` where nothing was to be counted.
  public var execution: Execution?
  /// Where the evidence is not whole: lines that contradict the plan, a lost end marker.
  public var anomalies: [String]
  /// How many lines came to the results port that were not signed by PID 1 of the guest; `nil` if none did.
  public var unsigned: Int?
  /// How often what PID 1 did sign contradicted itself or its plan, or came out of its turn; `nil` if it never did.
  public var contradictions: Int?
  /// The last lines of the console, for a guest that did not complete.
  public var lastLines: [String]
  /// What it was doing, for a guest that had to be destroyed.
  public var hang: GuestHang?
  /// From a test to what the kernel said while it ran.
  public var logs: [String: [String]]?

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

  /// Somebody spoke on the results port in a way that tells of nothing, so that it is not known how far the guest came.
  public var isGarbled: Bool { unsigned != nil || contradictions != nil }

  /// The report with which lockdep switched itself off, if one did: from there on it sees nothing. It does so with its own
  /// first report, and when the kernel is tainted by something that makes locks untrustworthy (`add_taint()` with
  /// `LOCKDEP_NOW_UNRELIABLE` in `kernel/panic.c`, as for an oops and for what KASAN finds). A WARN leaves it on.
  public var lockdepEndsWith: KernelReport? {
    reports.first { [.lockdep, .kasan, .oops, .bug, .pageState, .panic].contains($0.kind) }
  }

  /// The run, with what a fresh guest made of the tests behind the last death.
  public func continued(by next: GuestRun) -> GuestRun {
    var run = self
    let answers = Dictionary(next.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    run.tests = tests.map { test in test.status == .missing ? answers[test.name] ?? test : test }
    run.deaths += next.deaths
    run.reports += next.reports
    run.hang = hang ?? next.hang
    run.logs = (logs ?? [:]).merging(next.logs ?? [:]) { first, second in first + second }
    if let more = next.execution { run.execution = run.execution?.adding(more) ?? more }
    run.anomalies += next.anomalies
    if !next.booted {
      run.anomalies.append("no fresh guest came up for the tests that were left")
    } else if next.ending != .completed, next.deaths.isEmpty {
      run.anomalies.append("the fresh guest for the tests that were left ended before them, and in none of them")
    }
    return run
  }
}
