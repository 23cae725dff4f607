public import GuestProtocol

/// The stages between a patch and a verdict, in their order.
public enum Stage: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
  case apply, build, boot, tests, done

  public static func < (a: Stage, b: Stage) -> Bool {
    allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
  }
}

/// What a trial's wall time is spent on, in the order of the work.
public enum CostStep: String, Codable, Sendable, Hashable, CaseIterable {
  /// Making the tree and applying the patches.
  case apply
  /// Finding out what to compile: resolving the configuration, kbuild's walk before its first compiler.
  case configure
  case compile
  case link
  /// From asking for the domain to its running.
  case start
  /// From there to the guest's first line.
  case boot
  /// From the guest's first line to the end of the domain.
  case tests
  /// Reading what is left of the guest's word, and clearing up.
  case collect
}

/// Wall time per step, in seconds; a step that was not reached, or that is not known, has none. What a trial waited for
/// its turn is in none of them.
public struct StageSeconds: Codable, Sendable, Hashable {
  public var apply: Double?
  public var configure: Double?
  public var compile: Double?
  public var link: Double?
  public var start: Double?
  public var boot: Double?
  public var tests: Double?
  public var collect: Double?

  public init(
    apply: Double? = nil, configure: Double? = nil, compile: Double? = nil, link: Double? = nil, start: Double? = nil,
    boot: Double? = nil, tests: Double? = nil, collect: Double? = nil
  ) {
    self.apply = apply
    self.configure = configure
    self.compile = compile
    self.link = link
    self.start = start
    self.boot = boot
    self.tests = tests
    self.collect = collect
  }

  public subscript(_ step: CostStep) -> Double? {
    get { self[keyPath: Self.path(step)] }
    set { self[keyPath: Self.path(step)] = newValue }
  }

  /// Adds to what a step has taken; what is not known adds nothing.
  public mutating func add(_ step: CostStep, _ seconds: Double?) {
    if let seconds { self[step] = (self[step] ?? 0) + seconds }
  }

  private static func path(_ step: CostStep) -> WritableKeyPath<StageSeconds, Double?> {
    switch step {
    case .apply: \.apply
    case .configure: \.configure
    case .compile: \.compile
    case .link: \.link
    case .start: \.start
    case .boot: \.boot
    case .tests: \.tests
    case .collect: \.collect
    }
  }

  /// The whole build; `nil` if none was begun.
  public var build: Double? { sum([.configure, .compile, .link]) }

  /// All steps together; `nil` if none is known.
  public var total: Double? { sum(CostStep.allCases) }

  private func sum(_ steps: [CostStep]) -> Double? {
    let known = steps.compactMap { self[$0] }
    return known.isEmpty ? nil : known.reduce(0, +)
  }
}

/// How a series' image came about, and what of it was there before.
public struct BuildWork: Codable, Sendable, Hashable {
  public enum Method: String, Codable, Sendable, Hashable, CaseIterable {
    /// kbuild's own commands, as it recorded them for the base, for the objects that the series touches.
    case replay
    /// `make`, which walks the whole tree.
    case kbuild
    /// Nothing that is compiled under this configuration was touched: the base's image itself.
    case unchanged
  }

  public var method: Method
  /// Objects that were made anew, by a compiler or from ccache.
  public var objects: Int
  /// Of these, how many ccache had.
  public var cached: Int
  /// Leading patches whose objects were made once for several series of the run.
  public var sharedPatches: Int

  public init(method: Method, objects: Int, cached: Int, sharedPatches: Int = 0) {
    self.method = method
    self.objects = objects
    self.cached = cached
    self.sharedPatches = sharedPatches
  }
}

/// What executes the guest's instructions.
public enum Accelerator: String, Codable, Sendable, Hashable {
  case kvm, tcg
}

/// Where a trial happens. Two trials compare only within the same cell.
public struct CellKey: Codable, Sendable, Hashable {
  /// The name of a directory under `Kernels/`: `linux-6.12`.
  public var kernel: String
  /// `kasan`
  public var profile: String
  /// The virtual machine's type: `q35`.
  public var guest: String

  public init(kernel: String, profile: String, guest: String) {
    self.kernel = kernel
    self.profile = profile
    self.guest = guest
  }
}

/// The first patch of a series that git refused.
public struct ApplyFailure: Codable, Sendable, Hashable {
  public var patch: Patch
  /// The file in the tree, where git named one.
  public var file: String?
  /// The number of the hunk in that file's part of the patch, from 1.
  public var hunk: Int?
  /// What git said, without its `error: `.
  public var message: String

  public init(patch: Patch, file: String?, hunk: Int?, message: String) {
    self.patch = patch
    self.file = file
    self.hunk = hunk
    self.message = message
  }
}

/// One error of a compiler, linker or kbuild.
public struct Diagnostic: Codable, Sendable, Hashable {
  /// Relative to the tree's root, where the tool named a file.
  public var file: String?
  public var line: Int?
  public var message: String
  /// The last patch of the series that touched `file`, by its file name.
  public var patch: String?

  public init(file: String?, line: Int?, message: String, patch: String? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.patch = patch
  }
}

/// A build that ended with an error.
public struct BuildFailure: Codable, Sendable, Hashable {
  /// The first errors, in the order they were printed.
  public var diagnostics: [Diagnostic]
  /// The last lines of the build log, for the case that nothing in it could be read as a diagnostic.
  public var tail: [String]

  public init(diagnostics: [Diagnostic], tail: [String]) {
    self.diagnostics = diagnostics
    self.tail = tail
  }
}

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
  /// QEMU itself died or was killed: nothing can be said of the kernel.
  case machineDied(String)

  /// Whether the test that was running is what the guest ended in. A run whose time was over may have been in any test.
  public var endsATest: Bool {
    switch self {
    case .panicked, .stoppedEarly, .silent: true
    case .completed, .bootDeadline, .runDeadline, .machineDied: false
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
  /// The last lines of the console, for a guest that did not complete.
  public var lastLines: [String]
  /// What it was doing, for a guest that had to be destroyed.
  public var hang: GuestHang?
  /// From a test to what the kernel said while it ran.
  public var logs: [String: [String]]?

  public init(
    release: String?, accelerator: Accelerator, ending: GuestEnding, deaths: [GuestDeath] = [], booted: Bool,
    tests: [TestResult], reports: [KernelReport], execution: Execution? = nil, anomalies: [String],
    lastLines: [String], hang: GuestHang? = nil, logs: [String: [String]]? = nil
  ) {
    self.release = release
    self.accelerator = accelerator
    self.ending = ending
    self.deaths = deaths
    self.booted = booted
    self.tests = tests
    self.reports = reports
    self.execution = execution
    self.anomalies = anomalies
    self.lastLines = lastLines
    self.hang = hang
    self.logs = logs
  }

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

/// A fault of the harness or of the machine it runs on: never of a series.
public struct HarnessFault: Error, Codable, Sendable, Hashable {
  public var stage: Stage
  public var message: String
  /// What the user can do about it.
  public var advice: String?

  public init(stage: Stage, message: String, advice: String? = nil) {
    self.stage = stage
    self.message = message
    self.advice = advice
  }
}

/// How far one candidate, or the base, came.
public enum TrialResult: Codable, Sendable, Hashable {
  case doesNotApply(ApplyFailure)
  case doesNotBuild(BuildFailure)
  /// It was built, and no code that is compiled is other than the base's: there was nothing to run.
  case sameCode
  /// The guest ran, though perhaps not to its end, and perhaps without ever saying hello.
  case ran(GuestRun)
  /// The harness failed; the series is not to blame.
  case fault(HarnessFault)
  /// The user stopped the run before this trial ended.
  case interrupted
}

/// One candidate, or the base, in one cell.
public struct Trial: Codable, Sendable, Hashable {
  /// The series' name; `nil` is the base.
  public var series: String?
  public var cell: CellKey
  public var seconds: StageSeconds
  /// How its image was built; `nil` for the base, and where the build was not reached.
  public var work: BuildWork?
  /// What it changes in the code that is compiled; `nil` for the base, and where the build was not reached.
  public var change: CodeChange?
  /// The result was taken from an earlier run with the same kernel, configuration, guest binary and toolchain.
  public var reused: Bool
  public var result: TrialResult
  /// What further guests said, each of the tests that it was given: where a result was tried again, or all was repeated.
  public var again: [[TestResult]]?
  /// What further guests of the base said of the same tests.
  public var baseAgain: [[TestResult]]?

  public init(
    series: String?, cell: CellKey, seconds: StageSeconds, work: BuildWork? = nil, change: CodeChange? = nil,
    reused: Bool, result: TrialResult
  ) {
    self.series = series
    self.cell = cell
    self.seconds = seconds
    self.work = work
    self.change = change
    self.reused = reused
    self.result = result
  }
}
