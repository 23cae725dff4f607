// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol
import KernelText
public import SystemPackage

/// How long a guest may take. There are three clocks, because each detects something different.
public struct GuestClocks: Codable, Sendable, Hashable {
  /// From the start to the guest's first line on the results port.
  public var boot: Duration
  /// Without a byte on either channel; once the tests have begun, without a byte on the results port. A kernel that
  /// spins keeps complaining on its console forever.
  public var silence: Duration
  /// From the start to the end.
  public var run: Duration
  /// How long an overdue guest has to say why. The kernel itself waits ten seconds for a processor's backtrace.
  public var answer: Duration

  public init(boot: Duration, silence: Duration, run: Duration, answer: Duration = .seconds(15)) {
    self.boot = boot
    self.silence = silence
    self.run = run
    self.answer = answer
  }

  /// Returns the clocks for a machine on which everything takes `factor` times as long. Factors below one count as one.
  /// The answer to an interrupt is not stretched, because the kernel's own clock bounds it.
  public func stretched(by factor: Double) -> GuestClocks {
    let factor = min(max(1, factor), Self.mostStretch)
    return GuestClocks(boot: boot * factor, silence: silence * factor, run: run * factor, answer: answer)
  }

  /// A guest that needs more than this many times its usual time is not slow but stuck.
  static let mostStretch = 8.0
  /// The boot time of a base on an idle machine with two processors, for which ``standard(_:)`` was chosen.
  public static func usualBoot(_ accelerator: Accelerator) -> Duration {
    switch accelerator {
    case .tcg: .seconds(6)
    case .kvm: .seconds(2)
    }
  }

  /// Returns the clocks for an accelerator. An emulated guest with KASAN takes six seconds to its first line on an idle
  /// machine with two cores; the clocks allow more than ten times that for a busy one. Silence is longer than a test
  /// may take, so that a hung test can be told from a hung guest.
  public static func standard(_ accelerator: Accelerator) -> GuestClocks {
    switch accelerator {
    case .tcg: GuestClocks(boot: .seconds(90), silence: .seconds(75), run: .seconds(900))
    case .kvm: GuestClocks(boot: .seconds(30), silence: .seconds(75), run: .seconds(300))
    }
  }
}

/// What is reported about a guest while it runs.
public enum GuestProgress: Sendable, Hashable {
  case booted
  case testStarted(String, number: Int, of: Int)
}

/// A guest's run, and the duration of its two parts in seconds.
public struct WatchedRun: Sendable, Hashable {
  public var run: GuestRun
  /// Until the guest's first line; `nil` if there was none.
  public var boot: Double?
  /// From then until the end of the machine.
  public var tests: Double?
}

/// Watches a machine until it ends, and turns its output into a ``GuestRun``.
public struct GuestWatch<C: Clock>: Sendable where C.Duration == Duration {
  public var clocks: GuestClocks
  public var clock: C
  /// The file for the memory of a guest that panics or hangs; `nil` for none. Its kernel must halt where it panicked
  /// (``KernelCommandLine/staying``).
  public var memory: FilePath?

  public init(_ clocks: GuestClocks, clock: C, memory: FilePath? = nil) {
    self.clocks = clocks
    self.clock = clock
    self.memory = memory
  }

  /// - Parameter isEnough: called with each test result, and with the kernel reports so far. Once it returns true, the
  ///   machine is destroyed and the run ends (``GuestEnding/runDeadline(seconds:)``).
  /// - Throws: `CancellationError` if the task was cancelled; the machine's scope then destroys it.
  public func watch(
    _ machine: some Machine, accelerator: Accelerator,
    isEnough: @Sendable (TestResult?, [KernelReport]) -> Bool = { _, _ in false },
    progress: @Sendable (GuestProgress) -> Void
  ) async throws -> WatchedRun {
    let start = clock.now
    var transcript = GuestTranscript(machine.secret)
    var lastWord = start
    var hello: C.Instant?
    var ending: GuestEnding?
    /// When an overdue guest was interrupted to say what it is doing.
    var asked: C.Instant?
    /// When a kernel that halts on panic was first seen to have panicked.
    var panicked: C.Instant?

    for await signal in machine.signals {
      let now = clock.now
      var hasEnough = false
      switch signal {
      case .console(let bytes):
        let before = transcript.console.reports.count
        transcript.console.read(bytes)
        if hello == nil { lastWord = now }
        let reports = transcript.console.reports
        if reports.count > before { hasEnough = isEnough(nil, reports) }
      case .results(let bytes):
        lastWord = now
        for event in transcript.reader.read(bytes) {
          transcript.take(event)
          switch event {
          case .planned:
            hello = now
            progress(.booted)
          case .finished(let result): hasEnough = hasEnough || isEnough(result, transcript.console.reports)
          case .started(let name):
            let number = (transcript.planned.firstIndex(of: name) ?? 0) + 1
            progress(.testStarted(name, number: number, of: transcript.planned.count))
          default: break
          }
        }
      case .cut(let output, let bytes):
        transcript.cut(output, bytes)
        if output == .console {
          if hello == nil { lastWord = now }
        } else if ending == nil {
          // Nothing that it says about later tests will be read.
          ending = .flooded
          await machine.destroy()
        }
      case .notKept(let output, let reason):
        transcript.take(.anomaly("its \(output.rawValue) could not be written to a file: \(reason)"))
      case .tick: break
      case .stopped(let reason):
        transcript.finish()
        // If we destroyed the machine, the ending is our reason for it.
        ending = ending ?? transcript.ending(reason)
      }
      if hasEnough, ending == nil, asked == nil {
        ending = .runDeadline(seconds: seconds(from: start, to: now))
        await machine.destroy()
      } else if memory != nil, ending == nil, let line = transcript.console.firstPanicLine {
        // Let it print the rest of its panic first.
        let since = panicked ?? now
        panicked = since
        if since.duration(to: now) > Self.lastWords {
          ending = .panicked(line)
          await keepMemory(of: machine, &transcript)
          await machine.destroy()
        }
      } else if ending == nil, let overdue = overdue(now, start: start, lastWord: lastWord, hello: hello) {
        // Before it is destroyed, it must say why it hangs.
        ending = overdue
        asked = now
        await keepMemory(of: machine, &transcript)
        transcript.beginAnswer()
        await machine.interrupt()
      } else if let since = asked, since.duration(to: now) > clocks.answer {
        asked = nil
        // A guest whose emulator is stuck is silent too, but its kernel is not to blame.
        if !machine.tookInterrupt { ending = .machineDied("the emulator itself does not answer") }
        await machine.destroy()
      }
    }
    try Task.checkCancellation()
    let end = clock.now
    return WatchedRun(
      run: transcript.run(
        ending: ending ?? .machineDied("its signals ended unexpectedly"), accelerator: accelerator),
      boot: hello.map { seconds(from: start, to: $0) },
      tests: hello.map { seconds(from: $0, to: end) })
  }

  private func keepMemory(of machine: some Machine, _ transcript: inout GuestTranscript) async {
    guard let memory, let failure = await machine.dumpMemory(to: memory) else { return }
    transcript.take(.anomaly("the guest's memory could not be kept: \(failure)"))
  }

  /// How long a kernel that halts on panic may continue to print.
  private static var lastWords: Duration { .seconds(3) }

  func overdue(
    _ now: C.Instant, start: C.Instant, lastWord: C.Instant, hello: C.Instant?
  ) -> GuestEnding? {
    let limit = { (duration: Duration) in duration / .seconds(1) }
    if lastWord.duration(to: now) > clocks.silence { return .silent(seconds: limit(clocks.silence)) }
    if hello == nil, start.duration(to: now) > clocks.boot { return .bootDeadline(seconds: limit(clocks.boot)) }
    if start.duration(to: now) > clocks.run { return .runDeadline(seconds: limit(clocks.run)) }
    return nil
  }

  private func seconds(from: C.Instant, to: C.Instant) -> Double { from.duration(to: to) / .seconds(1) }
}

/// Everything that a guest said.
struct GuestTranscript {
  var console = ConsoleScanner(keepingLines: Self.lastLines)
  var reader: KTAPReader
  private(set) var planned: [String] = []
  private var results: [String: TestResult] = [:]
  private var running: String?
  private var anomalies: [String] = []
  private var ended = false
  private var unsigned = (lines: 0, first: "")
  private var contradictions = 0
  /// Why the guest itself stopped running tests.
  private var stopReason: String?
  private var execution: Execution?
  private var counts = 0
  private var hits = 0
  private var probes: [Int: [String: ProbeCount]] = [:]
  private var refused: [Int: String] = [:]
  private var enough: Set<Int> = []

  /// The maximum number of anomalies kept; a guest that garbles its channel could cause any number.
  private static let mostAnomalies = 20
  /// The maximum number of function counts kept: a thousand functions in all tests.
  private static let mostCounts = 300_000
  /// The maximum number of instruction counts kept: a few thousand instructions in all tests.
  private static let mostHits = 1_000_000
  /// The number of last console lines that a report shows of a guest that did not complete.
  private static let lastLines = 25

  private var isAnswering = false
  private var hasSpoken = false
  /// The number of bytes beyond the limit.
  private var cut: [GuestOutput: Int] = [:]

  /// Counts bytes that are not read.
  mutating func cut(_ output: GuestOutput, _ bytes: Int) { cut[output, default: 0] += bytes }

  /// - Parameter secret: the key with which the guest signs its results, if any.
  init(_ secret: GuestSecret? = nil) { reader = KTAPReader(secret: secret) }

  /// Ends the transcript: no more output will come.
  mutating func finish() {
    console.finish()
    for event in reader.finish() { take(event) }
  }

  /// Marks the guest as overdue; it was interrupted to say why.
  mutating func beginAnswer() {
    isAnswering = true
    hasSpoken = console.hasSpoken
    console.beginAnswer()
  }

  mutating func take(_ event: GuestEvent) {
    // Its time was over. Results between the interrupt and the end do not count.
    if isAnswering { return }
    switch event {
    case .planned(let names): planned = names
    case .started(let name): running = name
    case .finished(let result):
      results[result.name] = result
      running = nil
    case .stopped(let reason): stopReason = reason
    case .ran(let function, let test, let count):
      counts += 1
      if counts > Self.mostCounts {
        miscounted("more than \(Self.mostCounts) function counts arrived")
      } else {
        execution = execution ?? Execution()
        execution?.runs[Self.source(of: function), default: [:]][test, default: 0] += count
      }
    case .hit(let probe, let test, let count, let held):
      hits += 1
      if hits > Self.mostHits {
        miscounted("more than \(Self.mostHits) line counts arrived")
      } else {
        probes[probe, default: [:]][test, default: ProbeCount(hits: 0)] += ProbeCount(hits: count, taken: held)
      }
    case .enough(let probe): if enough.count < Self.mostHits { enough.insert(probe) }
    case .untraceable(let function):
      var counted = execution ?? Execution()
      if counted.untraceable.count < Self.mostCounts { counted.untraceable.append(Self.source(of: function)) }
      execution = counted
    case .refused(let probe, let reason): if refused.count < Self.mostHits { refused[probe] = reason }
    case .notCounted(let reason): miscounted(reason)
    case .end: ended = true
    case .unsigned(let lines, let first):
      if unsigned.lines == 0 { unsigned.first = first }
      unsigned.lines += lines
    case .anomaly(let text):
      contradictions += 1
      if anomalies.count < Self.mostAnomalies { anomalies.append(text) }
    }
  }

  /// gcc's clones of a function count as the function: `f.isra.0`.
  private static func source(of function: String) -> String {
    function.firstIndex(of: ".").map { String(function[..<$0]) } ?? function
  }

  /// Records why not everything was counted.
  private mutating func miscounted(_ failure: String) {
    var counted = execution ?? Execution()
    counted.failure = counted.failure ?? failure
    execution = counted
  }

  /// Returns the ending of a guest that stopped by itself.
  func ending(_ reason: StopReason) -> GuestEnding {
    // A panic is the ending even after the end marker: the kernel did not survive its shutdown.
    if let panic = console.firstPanicLine { return .panicked(panic) }
    switch reason {
    case .guest: return ended ? .completed : .stoppedEarly
    case .emulator(let words): return .machineDied(words)
    case .destroyed: return .machineDied("it was destroyed by somebody else")
    case .saved: return .machineDied("it was saved to a file by somebody else")
    }
  }

  func run(ending: GuestEnding, accelerator: Accelerator) -> GuestRun {
    var notes = anomalies
    if console.droppedReports > 0 { notes.append("\(console.droppedReports) more kernel reports were not kept") }
    // The cut part may contain any report, so the log is not known to be clean.
    for output in [GuestOutput.console, .results] {
      guard let bytes = cut[output] else { continue }
      notes.append("\(bytes) bytes of its \(output.rawValue) were over the limit and were not read")
    }
    if unsigned.lines > 0 {
      notes.append(
        "\(unsigned.lines) lines on its results port are not signed by its PID 1, the first: \(unsigned.first.prefix(200))"
      )
    }
    if ending == .completed, planned.isEmpty { notes.append("the guest ended without a plan") }
    var counted = execution
    if !probes.isEmpty || !refused.isEmpty {
      counted = counted ?? Execution()
      counted?.probes = probes
      counted?.refused = refused
      if !enough.isEmpty { counted?.enough = enough }
    }
    var deaths: [GuestDeath] = []
    if let running, ending.endsATest { deaths.append(GuestDeath(test: running, ending: ending)) }
    var run = GuestRun(
      release: console.release, accelerator: accelerator, ending: ending, booted: !planned.isEmpty,
      tests: planned.map { name in
        results[name]
          ?? TestResult(
            name: name, status: .missing,
            reason: name == running
              ? "it was running when the guest ended" : stopReason ?? "the guest ended before it")
      },
      reports: console.reports, anomalies: notes,
      lastLines: ending == .completed ? [] : console.lastLines(Self.lastLines))
    run.deaths = deaths
    run.execution = counted
    run.hang = hang(ending)
    run.logs = console.slices.mapValues(\.lines)
    if unsigned.lines > 0 { run.unsigned = unsigned.lines }
    if contradictions > 0 { run.contradictions = contradictions }
    return run
  }

  /// What the guest answered to the interrupt; `nil` if none was sent, or its machine did not take it.
  private func hang(_ ending: GuestEnding) -> GuestHang? {
    if case .machineDied = ending { return nil }
    guard isAnswering else { return nil }
    let answer = HangAnswer(console.answer)
    let place: GuestHang.Place =
      if let running { .inTest(running) } else if !planned.isEmpty { .betweenTests } else if hasSpoken {
        .beforeInit
      } else { .noOutput }
    let state: GuestHang.State = answer.busyIn.isEmpty ? (answer.idle > 0 ? .asleep : .unknown) : .busy
    return GuestHang(
      place: place, state: state, busyIn: answer.busyIn, blocked: answer.blocked, answer: console.answer)
  }
}

extension GuestWatch {
  /// Waits only for the guest's first line.
  /// - Returns: whether it came in time.
  public func hello(_ machine: some Machine) async throws -> Bool {
    var reader = KTAPReader(secret: machine.secret)
    let start = clock.now
    for await signal in machine.signals {
      if case .results(let bytes) = signal,
        reader.read(bytes).contains(where: { if case .unsigned = $0 { false } else { true } })
      {
        return true
      }
      if start.duration(to: clock.now) > clocks.boot { return false }
    }
    try Task.checkCancellation()
    return false
  }
}
