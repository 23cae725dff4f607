// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// A report whose lines are still arriving. It collects them, notes what its title needs, and knows when it ends.
struct OpenReport {
  /// The most lines of a report that are kept.
  static let mostLines = 400
  /// The most functions of a call trace that are searched for the one to blame.
  private static let mostFrames = 64
  /// After a pause this long in kernel time, in microseconds, the next lines belong to something else. Processors that
  /// answer late make the pauses within a stall report surprisingly long.
  private static let longestPause = 12_000_000
  /// The most lines before a call trace, and between its end and the end of the report. After more, the report counts
  /// as cut: the end marker of a damaged log never comes.
  private static let mostLinesBeforeTrace = 150
  private static let mostLinesAfterTrace = 24
  private static let mostLinesAfterSanitizerTrace = 120

  /// The effect of one more line.
  enum Step { case goesOn, endsWithThis, endedBefore }

  let rule: ReportRule
  let headline: String
  /// The lines between `cut here` and the headline.
  let preface: [String]
  let test: String?
  private(set) var lines: [String]
  /// The functions of the first call trace, the innermost first.
  private(set) var frames: [String] = []
  /// The function in the first kernel instruction pointer.
  private(set) var instruction: String?
  /// `Write` in `Write of size 4 at addr …`.
  private(set) var access: String?
  /// The function after the last `at: ` in a list of held locks.
  private(set) var heldAt: String?
  /// The line that names the killed process.
  private(set) var victim: String?

  private enum Trace { case notBegun, inStack, inFrames, over }
  private var trace = Trace.notBegun
  private var sawStackMark = false
  private var linesBeforeTrace = 0
  private var linesAfterTrace = 0
  private var lastTime: Int?

  init(rule: ReportRule, headline: String, opening: [String], preface: [String], time: Int?, test: String?) {
    self.rule = rule
    self.headline = headline
    self.preface = preface
    self.test = test
    lines = opening
    lastTime = time
    if rule.ending == .killed, headline.contains("Killed process") { victim = headline }
  }

  /// Whether enough of the report has arrived to settle its title.
  var isNamed: Bool { trace == .over || rule.ending == .heldLocks || !frames.isEmpty }

  mutating func take(_ line: ConsoleLine) -> Step {
    if let time = line.time {
      if let lastTime, time - lastTime > Self.longestPause { return .endedBefore }
      lastTime = time
    }
    let text = line.text
    let step = step(text)
    if step != .endedBefore, lines.count < Self.mostLines { lines.append(text) }
    return step
  }

  /// Appends the lines of a report about the same incident.
  mutating func absorb(_ more: [String]) {
    lines.append(contentsOf: more.prefix(max(0, Self.mostLines - lines.count)))
  }

  private mutating func step(_ text: String) -> Step {
    note(text)
    switch rule.ending {
    case .endTrace where text.hasPrefix("---[ end trace"), .rule where ConsoleScanner.isRule(text): return .endsWithThis
    case .panic where text.hasPrefix("---[ end Kernel panic") || text.hasPrefix("Rebooting in "): return .endsWithThis
    case .panic where text.hasPrefix("Kernel Offset: "): return .endsWithThis
    case .killed where text.contains("Killed process "):
      victim = text
      return .endsWithThis
    case .heldLocks: return Self.tellsOfLocks(text) ? .goesOn : .endedBefore
    default: break
    }
    return follow(text)
  }

  /// Tracks the call trace, and the endings that only the next line reveals.
  private mutating func follow(_ text: String) -> Step {
    switch trace {
    case .notBegun:
      linesBeforeTrace += 1
      if text.hasPrefix("Call Trace:") || text.hasPrefix("Call trace:") || text.hasPrefix("Backtrace:") {
        trace = .inStack
      } else if linesBeforeTrace > (rule.kind == .lockdep ? Self.mostLines : Self.mostLinesBeforeTrace) {
        return .endedBefore
      }
    case .inStack, .inFrames:
      let frame = StackFrame.isTraceLine(text)
      if text == " </TASK>" || text == " </NMI>" {
        trace = .over
        if rule.ending == .backtrace { return .endsWithThis }
      } else if frame {
        if text.hasPrefix(" <") { sawStackMark = true }
        trace = .inFrames
      } else if trace == .inFrames, !sawStackMark, !Self.tellsOfRegisters(text) {
        // Older kernels and other architectures do not mark the end of a stack.
        trace = .over
        return rule.ending == .backtrace ? .endedBefore : follow(text)
      } else if sawStackMark, !Self.tellsOfRegisters(text), !text.isEmpty {
        linesAfterTrace += 1
        if linesAfterTrace > Self.mostLinesAfterTrace { return .endedBefore }
      }
    case .over: return afterTrace(text)
    }
    return .goesOn
  }

  private mutating func afterTrace(_ text: String) -> Step {
    linesAfterTrace += 1
    switch rule.ending {
    case .locks:
      if ConsoleScanner.isRule(text) { return .endsWithThis }
      return text.isEmpty || text.hasPrefix("Showing all locks") || Self.tellsOfLocks(text) ? .goesOn : .endedBefore
    case .traces:
      if text.hasPrefix("Call Trace:") {
        trace = .inStack
        sawStackMark = false
        return .goesOn
      }
      return Self.tellsOfProcessors(text) ? .goesOn : .endedBefore
    case .rule: return linesAfterTrace > Self.mostLinesAfterSanitizerTrace ? .endedBefore : .goesOn
    case .killed: return linesAfterTrace > Self.mostLines ? .endedBefore : .goesOn
    case .endTrace, .panic: return linesAfterTrace > Self.mostLinesAfterTrace ? .endedBefore : .goesOn
    case .backtrace, .heldLocks: return .endedBefore
    }
  }

  // MARK: - Input for the title

  private mutating func note(_ text: String) {
    switch trace {
    case .inStack, .inFrames:
      if frames.count < Self.mostFrames, let function = StackFrame.function(text) { frames.append(function) }
    case .notBegun, .over: break
    }
    if instruction == nil, let function = Self.instruction(text) { instruction = function }
    if access == nil, let of = text.firstRange(of: " of size ") {
      let word = text[..<of.lowerBound]
      if word == "Read" || word == "Write" { access = String(word) }
    }
    if text.hasPrefix(" #"), let at = text.firstRange(of: ", at: ") {
      heldAt = StackFrame.symbol(text[at.upperBound...]) ?? heldAt
    }
  }

  private static func instruction(_ text: String) -> String? {
    for prefix in Architecture.RegisterDump.any.instructionPointers where text.hasPrefix(prefix) {
      return StackFrame.symbol(text.dropFirst(prefix.count))
    }
    return nil
  }

  private static func tellsOfRegisters(_ text: String) -> Bool {
    Architecture.RegisterDump.any.lines.contains(where: text.hasPrefix)
  }

  private static func tellsOfLocks(_ text: String) -> Bool {
    text.hasPrefix(" #") || text.hasPrefix("----") || text.contains(" held by ") || text.contains("Not tainted")
      || text.contains("Tainted: ") || text.hasSuffix(" is leaving the kernel with locks still held!")
      || text.hasPrefix("INFO: lockdep is turned off")
  }

  private static func tellsOfProcessors(_ text: String) -> Bool {
    let beginnings = [
      "rcu: ", "NMI backtrace for", "Sending NMI", "CPU: ", "Hardware name: ", "Modules linked in", "Tainted: ",
      "task:",
      "irq event stamp", "hardirqs last", "softirqs last", "(detected by", "(t=", " (t=", "INFO: NMI handler",
      "Kernel panic", "Workqueue: ",
    ]
    return text.isEmpty || tellsOfRegisters(text) || StackFrame.isTraceLine(text)
      || beginnings.contains(where: text.hasPrefix)
  }
}
