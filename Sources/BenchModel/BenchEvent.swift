// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

public import struct Foundation.Date

/// What is fixed before anything runs.
public struct RunHeader: Codable, Sendable, Hashable {
  /// The cell that every trial of this run happens in.
  public var cell: Cell
  /// Where the kernel's source comes from, in words: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  public var source: String
  /// `gcc (Debian 12.2.0-14) 12.2.0`
  public var toolchain: String
  /// `QEMU emulator version 7.2.22`
  public var emulator: String
  public var accelerator: Accelerator
  /// Why that accelerator: `KVM: no hello within 15 s of a probe boot`.
  public var acceleratorReason: String
  public var processors: Int
  public var patchbench: String
  public var series: [PatchSeries]
  /// What each test of the guest binary answers, by its name.
  public var questions: [String: String]
  /// The tests that were asked for, where it was not all.
  public var only: [String]?
  /// Kernel reports that are not held against a series.
  public var known: [KnownReport]?
  /// Changed lines that need not have run, by the word of whoever started the run.
  public var accepted: [AcceptedLines]?
  /// What a resumed run has to find as it was.
  public var conditions: RunConditions?
  /// What series were built in: `bubblewrap 0.8.0`. `nil` where their code could do whatever patchbench may.
  public var sandbox: String?

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

/// What decides a run's results beside its series. Where one of these is another, its evidence is of another run.
public struct RunConditions: Codable, Sendable, Hashable {
  /// The digest of patchbench itself: it starts the guests and reads what they say.
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

  public init(
    program: String, base: String, driver: String, guestBinary: String, emulator: String, accelerator: Accelerator
  ) {
    self.program = program
    self.base = base
    self.driver = driver
    self.guestBinary = guestBinary
    self.emulator = emulator
    self.accelerator = accelerator
  }

  /// What is not as it was, in words.
  public func changes(since earlier: RunConditions) -> [String] {
    [
      (program == earlier.program, "patchbench itself"),
      (base == earlier.base, "the base (its source, configuration or toolchain)"),
      (driver == earlier.driver, "the test driver"), (guestBinary == earlier.guestBinary, "the guest binary"),
      (emulator == earlier.emulator, "the emulator (\(earlier.emulator), now \(emulator))"),
      (
        accelerator == earlier.accelerator,
        "the accelerator (\(earlier.accelerator.rawValue), now \(accelerator.rawValue))"
      ),
    ].filter { !$0.0 }.map(\.1)
  }
}

/// One fact of a run, in the order things happened. The record of a run is a file of these, one JSON object a line;
/// every report is a fold over it.
public struct BenchEvent: Codable, Sendable, Hashable {
  public var at: Date
  public var kind: Kind

  public enum Kind: Codable, Sendable, Hashable {
    case runStarted(RunHeader)
    /// Work has begun on a series (`nil`: the base).
    case stageStarted(series: String?, stage: Stage)
    /// Something a watcher wants to see while it goes on: `1234 objects`, a test's name.
    case progress(series: String?, stage: Stage, text: String)
    case trialFinished(Trial)
    /// The base was tried once more, with everything as before; each time has a number.
    case baseRepeated(Trial, number: Int?)
    /// Tests of the base were tried again for a series that differs in them; each time has a number.
    case baseTriedAgain([TestResult], number: Int)
    /// The disk of a guest was read, or could not be.
    case stateRead(series: String?, StateEvidence)
    /// A run that had been broken off goes on.
    case runResumed
    /// The last event of a run that came to its end; `interrupted` where the user stopped it.
    case runFinished(interrupted: Bool)
    /// Comes after the run: its reports were made, in so many seconds.
    case reported(seconds: Double)
  }

  public init(at: Date, kind: Kind) {
    self.at = at
    self.kind = kind
  }
}

/// A run as its events tell it.
public struct RunRecord: Sendable, Hashable {
  public var header: RunHeader
  public var started: Date
  public var finished: Date?
  /// The run was stopped by the user, or its record breaks off.
  public var interrupted: Bool
  /// How long its reports took to make, in seconds.
  public var reportSeconds: Double?
  public var base: Trial?
  /// Further trials of the base, where it was to be tried more than once.
  public var repeats: [Trial]
  /// The number of each of those trials.
  public var repeatNumbers: [Int?]
  /// What tests of the base said when they were tried again, by the number of the time.
  public var baseAgain: [Int: [TestResult]]
  /// When it went on after it had been broken off.
  public var resumed: [Date]
  /// By the series' name.
  public var trials: [String: Trial]

  /// Folds a run's events; `nil` if there is no `runStarted` among them.
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
      case .baseTriedAgain(let results, let number): found?.baseAgain[number] = results
      case .stateRead(let name, let state):
        if let name { found?.trials[name]?.add(state) } else { found?.base?.add(state) }
      case .runResumed:
        found?.resumed.append(event.at)
        found?.finished = nil
        found?.interrupted = true
      case .runFinished(let interrupted):
        found?.finished = event.at
        found?.interrupted = interrupted
      case .reported(let seconds): found?.reportSeconds = seconds
      case .stageStarted, .progress: break
      }
    }
    guard let found else { return nil }
    self = found
  }

  /// What was tried anew under a number takes the place of what was there.
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
    resumed = []
    trials = [:]
  }
}

extension Trial {
  /// A disk that was read once more, by a run that had been killed just then, takes its own place.
  fileprivate mutating func add(_ state: StateEvidence) {
    states = (states ?? []).filter { $0.image != state.image } + [state]
  }
}
