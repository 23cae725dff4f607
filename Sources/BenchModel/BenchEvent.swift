// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

public import struct Foundation.Date

/// The facts that are fixed before anything runs.
public struct RunHeader: Codable, Sendable, Hashable {
  /// The cell of every trial of this run.
  public var cell: Cell
  /// The origin of the kernel source, in words: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  public var source: String
  /// `gcc (Debian 12.2.0-14) 12.2.0`
  public var toolchain: String
  /// `QEMU emulator version 7.2.22`
  public var emulator: String
  public var accelerator: Accelerator
  /// The reason for the choice of accelerator: `KVM: a probe boot never reached init within 15 s`.
  public var acceleratorReason: String
  public var processors: Int
  public var patchbench: String
  public var series: [PatchSeries]
  /// The question that each test of the guest binary answers, by test name.
  public var questions: [String: String]
  /// What it means that tests and kernel reports got worse, in words; `nil` in old records.
  public var causes: [CauseRule]?
  /// The selected tests; `nil` means all.
  public var only: [String]?
  /// Kernel reports that do not count against a series.
  public var known: [KnownReport]?
  /// Changed lines that need not have run, as accepted by the user who started the run.
  public var accepted: [AcceptedLines]?
  /// The conditions that must still hold when the run is resumed.
  public var conditions: RunConditions?
  /// The sandbox that series were built in: `bubblewrap 0.8.0`. `nil` if their code could do anything that
  /// patchbench may.
  public var sandbox: String?
  /// Settings that the series were built with and the base was not: `CONFIG_X=y`; `nil` for none.
  public var settings: [String]?
  /// Why this base; `nil` if nothing was asked or chosen.
  public var choice: BaseChoice?
  /// How well the base fits each series, by the series' name.
  public var fits: [String: BaseFit]?
  /// What changed between series that belong together; `nil` for none.
  public var rangeDiffs: [RangeDiff]?

  /// The versions of what a run is made of.
  public struct Versions: Sendable, Hashable {
    var source: String
    var toolchain: String
    var emulator: String
    var patchbench: String

    /// Each as the field of ``RunHeader`` of that name.
    public init(source: String, toolchain: String, emulator: String, patchbench: String) {
      self.source = source
      self.toolchain = toolchain
      self.emulator = emulator
      self.patchbench = patchbench
    }
  }

  /// - Parameter reason: why that accelerator.
  public init(
    cell: Cell, versions: Versions, accelerator: Accelerator, reason: String, processors: Int, series: [PatchSeries],
    questions: [String: String] = [:]
  ) {
    self.cell = cell
    source = versions.source
    toolchain = versions.toolchain
    emulator = versions.emulator
    patchbench = versions.patchbench
    self.accelerator = accelerator
    acceleratorReason = reason
    self.processors = processors
    self.series = series
    self.questions = questions
  }
}

/// Everything besides the series that decides a run's results. If any of it changes, the evidence belongs
/// to another run.
public struct RunConditions: Codable, Sendable, Hashable {
  /// The digest of patchbench itself, because it starts the guests and parses their output.
  public var program: String
  /// The base's key: source, configuration, toolchain.
  public var base: String
  /// The digest of the test driver's sources.
  public var driver: String
  /// The digest of the guest binary.
  public var guestBinary: String
  /// QEMU's version.
  public var emulator: String
  public var accelerator: Accelerator
  /// The suite's devices; `nil` in old records.
  public var devices: [String]?

  public init(
    program: String, base: String, driver: String, guestBinary: String, emulator: String, accelerator: Accelerator,
    devices: [String]
  ) {
    self.program = program
    self.base = base
    self.driver = driver
    self.guestBinary = guestBinary
    self.emulator = emulator
    self.accelerator = accelerator
    self.devices = devices
  }

  /// Returns what has changed, in words.
  public func changes(since earlier: RunConditions) -> [String] {
    [
      (program == earlier.program, "patchbench itself"),
      (base == earlier.base, "the base (its source, configuration or toolchain)"),
      (driver == earlier.driver, "the test driver"), (devices == earlier.devices, "the suite's devices"),
      (guestBinary == earlier.guestBinary, "the guest binary"),
      (emulator == earlier.emulator, "the emulator (\(earlier.emulator), now \(emulator))"),
      (
        accelerator == earlier.accelerator,
        "the accelerator (\(earlier.accelerator.rawValue), now \(accelerator.rawValue))"
      ),
    ].filter { !$0.0 }.map(\.1)
  }
}

/// One fact of a run, in chronological order. The record of a run is a file of these, one JSON object per line; every
/// report is a fold over it.
public struct BenchEvent: Codable, Sendable, Hashable {
  public var at: Date
  public var kind: Kind

  public enum Kind: Codable, Sendable, Hashable {
    case runStarted(RunHeader)
    /// Work has begun on a series (`nil`: the base).
    case stageStarted(series: String?, stage: Stage)
    /// Something to show while the stage runs: `1234 objects`, a test's name.
    case progress(series: String?, stage: Stage, text: String)
    case trialFinished(Trial)
    /// The base was run again under the same conditions; each repeat has a number.
    case baseRepeated(Trial, number: Int?)
    /// Tests of the base were run again because a series differs in them; each time has a number. `reports` are what
    /// the kernel reported meanwhile; `nil` if nothing.
    case baseTriedAgain([TestResult], reports: [KernelReport]?, number: Int)
    /// The disk of a guest was read, or reading it failed.
    case stateRead(series: String?, StateEvidence)
    /// An interrupted run was resumed.
    case runResumed
    /// A series' test or kernel report is worse than on the base: `subject` is the test or the report. Not confirmed by
    /// another try unless that is said. Like progress, it is shown and not recorded: the trial will say it.
    case worse(series: String, subject: String, words: String, isConfirmed: Bool)
    /// How many seconds the build and the tests of a series (`nil`: the base) will take, by what this machine has seen;
    /// `nil` where it has not. Like progress, it is shown and not recorded.
    case expected(series: String?, build: Double?, tests: Double?)
    /// Tests are run again because their results changed, for the `number`th of `of` times. Like progress, it is shown
    /// and not recorded.
    case retrying(series: String?, number: Int, of: Int)
    /// The last event of a run that finished; `interrupted` if the user stopped it.
    case runFinished(interrupted: Bool)
    /// Recorded after the run: the time its reports took to make.
    case reported(seconds: Double)
  }

  public init(at: Date, kind: Kind) {
    self.at = at
    self.kind = kind
  }
}

/// A run, reconstructed from its events.
public struct RunRecord: Sendable, Hashable {
  public var header: RunHeader
  public var started: Date
  public var finished: Date?
  /// The run was stopped by the user, or its record is truncated.
  public var interrupted: Bool
  /// How long its reports took to make, in seconds.
  public var reportSeconds: Double?
  public var base: Trial?
  /// Further trials of the base, if it was to be run more than once.
  public var repeats: [Trial]
  /// The number of each of those trials.
  public var repeatNumbers: [Int?]
  /// The results of base tests that were run again, by the number of the repeat.
  public var baseAgain: [Int: [TestResult]]
  /// The kernel reports of those repeats.
  public var baseReports: [KernelReport]
  /// The times at which the run was resumed.
  public var resumed: [Date]
  /// By the series' name.
  public var trials: [String: Trial]

  /// Folds a run's events; `nil` if they contain no `runStarted`.
  public init?(_ events: some Sequence<BenchEvent>) {
    var found: RunRecord?
    for event in events {
      switch event.kind {
      case .runStarted(let header):
        if found == nil { found = RunRecord(header: header, started: event.at) }
      case .trialFinished(let trial):
        if let name = trial.series { found?.trials[name] = trial } else { found?.base = trial }
      case .baseRepeated(let trial, let number):
        found?.add(trial, number)
      case .baseTriedAgain(let results, let reports, let number):
        found?.baseAgain[number] = results
        found?.baseReports += reports ?? []
      case .stateRead(let name, let state):
        if let name { found?.trials[name]?.add(state) } else { found?.base?.add(state) }
      case .runResumed:
        found?.resumed.append(event.at)
        found?.finished = nil
        found?.interrupted = true
        // The reports of the interrupted run are not those of the whole one.
        found?.reportSeconds = nil
      case .runFinished(let interrupted):
        found?.finished = event.at
        found?.interrupted = interrupted
      case .reported(let seconds): found?.reportSeconds = seconds
      case .stageStarted, .progress, .worse, .expected, .retrying: break
      }
    }
    guard let found else { return nil }
    self = found
  }

  /// A trial with the number of an earlier one replaces it.
  private mutating func add(_ trial: Trial, _ number: Int?) {
    if let number, let index = repeatNumbers.firstIndex(of: number) {
      repeats[index] = trial
    } else {
      repeats.append(trial)
      repeatNumbers.append(number)
    }
  }

  private init(header: RunHeader, started: Date) {
    self.header = header
    self.started = started
    interrupted = true
    repeats = []
    repeatNumbers = []
    baseAgain = [:]
    baseReports = []
    resumed = []
    trials = [:]
  }
}

extension Trial {
  /// A disk may be read twice if a run was killed just after the first time. The later reading replaces
  /// the earlier one.
  fileprivate mutating func add(_ state: StateEvidence) {
    states = (states ?? []).filter { $0.image != state.image } + [state]
  }
}
