// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import KernelText

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
