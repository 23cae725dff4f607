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
    /// The running test, and when its start was reported.
    var running: (name: String, since: C.Instant)?
    var spent: [String: Double] = [:]

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
          case .finished(let result):
            if let (name, since) = running, name == result.name { spent[name] = seconds(from: since, to: now) }
            hasEnough = hasEnough || isEnough(result, transcript.console.reports)
          case .started(let name):
            running = (name, now)
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
    var run = transcript.run(
      ending: ending ?? .machineDied("its signals ended unexpectedly"), accelerator: accelerator)
    if !spent.isEmpty { run.seconds = spent }
    return WatchedRun(
      run: run,
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
