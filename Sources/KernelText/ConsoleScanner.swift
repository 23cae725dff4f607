// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Reads a kernel's console as it arrives and finds the problems that the kernel reported on it.
///
/// One incident is one report. An oops is separate from the panic that follows it, but not from the BUG that caused it.
/// A KASAN report of a bad pointer absorbs the page fault that the same access then takes. The same title in the same
/// test is reported once, with its first trace: a kernel that warns in a loop adds no information.
///
/// The console belongs to the kernel under test, so nothing here trusts it. Lines, traces and reports are bounded, and
/// the time is linear in the number of bytes. A report that begins but does not end properly is still a report.
public struct ConsoleScanner: Sendable {
  /// The most reports that are kept; `droppedReports` counts the rest.
  public static let mostReports = 1000

  /// The text that PID 1 writes to the kernel's log around each test, followed by the test's name.
  public static let testBegins = "patchbench: test begins: "
  public static let testEnds = "patchbench: test ends: "

  /// The complete reports, in the order in which they began, without those that are still open.
  public private(set) var reports: [KernelReport] = []
  /// The number of different reports after the first `mostReports`.
  public private(set) var droppedReports = 0
  /// The first `Kernel panic - not syncing: …` line.
  public private(set) var firstPanicLine: String?
  /// `6.12.117` in `Linux version 6.12.117 (…)`.
  public private(set) var release: String?

  /// The lines since ``beginAnswer()``, with time stamps.
  public private(set) var answer: [String] = []
  /// Maps each test to the kernel's lines while it ran, with time stamps but without the marks themselves.
  public private(set) var slices: [String: LogSlice] = [:]

  private var isAnswering = false
  private var sliceLines = 0
  private var input = ConsoleLines()
  private var tail: Tail
  private var speakers: [String: Speaker] = [:]
  private var seen: Set<Identity> = []
  private var test: String?
  /// The pointer that KASAN has just reported, while the fault that it causes may still follow.
  private var badPointer: BadPointer?
  private var lineNumber = 0

  /// - Parameter keepingLines: the most lines that `lastLines` can return.
  public init(keepingLines: Int = 200) {
    tail = Tail(limit: keepingLines)
  }

  /// Reads the next bytes of the console.
  public mutating func read(_ bytes: some Sequence<UInt8>) {
    var input = self.input
    self.input = ConsoleLines()
    let done: Void? = bytes.withContiguousStorageIfAvailable { input.read($0) { take($0) } }
    if done == nil { Array(bytes).withUnsafeBufferPointer { input.read($0) { take($0) } } }
    self.input = input
  }

  /// Marks the point at which the kernel was asked what it is doing. Everything after it is the answer, and not a
  /// report.
  public mutating func beginAnswer() {
    for name in speakers.keys.sorted() { close(name) }
    speakers = [:]
    isAnswering = true
  }

  /// Marks the end of the console and closes open reports.
  public mutating func finish() {
    var input = self.input
    self.input = ConsoleLines()
    input.finish { take($0) }
    for speaker in speakers.keys.sorted() { close(speaker) }
    speakers = [:]
  }

  /// Whether there was at least one line.
  public var hasSpoken: Bool { lineNumber > 0 }

  /// The last lines of the console with their time stamps, the newest last.
  public func lastLines(_ count: Int) -> [String] { tail.last(count) }

  /// Returns all reports of a complete console.
  public static func reports(in console: some Sequence<UInt8>) -> [KernelReport] {
    var scanner = ConsoleScanner()
    scanner.read(console)
    scanner.finish()
    return scanner.reports
  }

  // MARK: - Lines

  /// One source of lines: a task or processor with `CONFIG_PRINTK_CALLER`, otherwise all of them together. This
  /// separates reports that two processors print at the same time.
  private struct Speaker {
    var open: OpenReport?
    /// The lines since `cut here`, or since a list corruption message ahead of it: a headline must follow.
    var preface: [String] = []
    /// The speaker's previous line, if it was a line of `=`.
    var rule: String?
    /// The speaker to whose report this processor was asked to add its call trace.
    var answers: String?
  }

  /// Enough for two processors' backtraces and the locks of some dozens of tasks.
  private static let longestAnswer = 600
  /// The most lines in all tests' slices together.
  private static let mostSliceLines = 20_000

  /// The most tests that have a slice. A kernel can name any number of tests.
  private static let mostSlices = 10_000

  private mutating func addSlice(_ line: String, of test: String) {
    if slices.count >= Self.mostSlices, slices[test] == nil { return }
    if sliceLines >= Self.mostSliceLines {
      slices[test, default: LogSlice()].dropped += 1
    } else if slices[test, default: LogSlice()].add(line) {
      sliceLines += 1
    }
  }

  /// The most lines between `cut here` and the headline.
  private static let mostPreface = 16
  private static let mostSpeakers = 64
  /// The number of speakers that are remembered.
  var speakerCount: Int { speakers.count }

  private mutating func take(_ line: ConsoleLine) {
    lineNumber += 1
    let text = line.text
    let name = line.caller ?? ""
    if isAnswering {
      if answer.count < Self.longestAnswer { answer.append(line.shown) }
      return
    }
    tail.append(line.shown)
    if text.hasPrefix("Linux version ") { startsKernel(text) }
    if let test, !text.hasPrefix(Self.testEnds) { addSlice(line.shown, of: test) }
    if text.hasPrefix(Self.testBegins) || text.hasPrefix(Self.testEnds) { return mark(text) }
    if firstPanicLine == nil, text.hasPrefix("Kernel panic - not syncing") { firstPanicLine = text }
    if Self.isRule(text) { return takeRule(line, name) }
    let rule = speakers[name]?.rule == nil ? ReportRule.opening(text) : ReportRule.openingBelowRule(text)
    if let rule {
      if let open = speakers[name]?.open, rule.continues(open.rule) { return add(line, to: name) }
      return open(rule, line, name)
    }
    if text.hasPrefix("------------[ cut here ]") || Self.announces(text) { return takePreface(text, name) }
    if text.hasPrefix("NMI backtrace for cpu"), speakers[name]?.open == nil, let asker = asker {
      speakers[name, default: Speaker()].answers = asker
    }
    if speakers[name] != nil { add(line, to: speakers[name]?.answers ?? name) }
  }

  /// The speaker with an open stall or hard lockup report, which makes other processors print their traces.
  private var asker: String? {
    speakers.keys.sorted().first { speakers[$0]?.open?.rule.ending == .traces }
  }

  private mutating func startsKernel(_ text: String) {
    if release == nil { release = text.split(separator: " ").dropFirst(2).first.map(String.init) }
    // A second kernel: the first one died silently, and its reports and tests with it.
    for name in speakers.keys.sorted() { close(name) }
    speakers = [:]
    test = nil
  }

  private mutating func mark(_ text: String) {
    // PID 1 waits for its tests, so a report that is still open here has lost its end, unless another processor is
    // printing.
    for name in speakers.keys.sorted() where speakers[name]?.open?.isNamed == true { close(name) }
    if text.hasPrefix(Self.testBegins) {
      test = String(text.dropFirst(Self.testBegins.count))
    } else {
      test = nil
    }
  }

  private mutating func takeRule(_ line: ConsoleLine, _ name: String) {
    if speakers[name]?.open != nil { add(line, to: name) }
    if speakers[name]?.open == nil {
      // A rule that ends a report does not open one, but a second rule may: of two rules in a row, one ends a report
      // and the other begins the next.
      makeRoom()
      speakers[name, default: Speaker()].rule = line.text
    }
  }

  private mutating func takePreface(_ text: String, _ name: String) {
    // The list corruption message comes before `cut here` for a BUG, and after it for a WARN.
    let pair = speakers[name].map { $0.preface.count == 1 && Self.announces($0.preface[0]) != Self.announces(text) }
    if pair != true { close(name) }
    makeRoom()
    speakers[name, default: Speaker()].preface.append(text)
  }

  private mutating func open(_ rule: ReportRule, _ line: ConsoleLine, _ name: String) {
    let before = speakers[name]
    if before?.open != nil { close(name) }
    makeRoom()
    let preface = before?.preface ?? []
    let opening = preface + (before?.rule.map { [$0] } ?? []) + [line.text]
    speakers[name] = Speaker(
      open: OpenReport(
        rule: rule, headline: line.text, opening: opening, preface: preface, time: line.time, test: test))
    if rule.ending == .killed, line.text.contains("Killed process") { close(name) }
  }

  private mutating func add(_ line: ConsoleLine, to name: String) {
    guard var speaker = speakers.removeValue(forKey: name) else { return }
    speaker.rule = nil
    if var open = speaker.open {
      let step = open.take(line)
      speaker.open = open
      speakers[name] = speaker
      if step != .goesOn { close(name) }
    } else if !speaker.preface.isEmpty {
      speaker.preface.append(line.text)
      speakers[name] = speaker
      if speaker.preface.count > Self.mostPreface { close(name) }
    }
  }

  // MARK: - Reports

  private mutating func close(_ name: String) {
    guard let speaker = speakers.removeValue(forKey: name) else { return }
    for (other, answering) in speakers where answering.answers == name { speakers[other]?.answers = nil }
    if let open = speaker.open {
      keep(open, by: name)
    } else if let first = speaker.preface.first {
      // The headline was lost, but the log is not clean.
      let title =
        Self.announces(first) ? SteadyText.steady(first.prefix { $0 != "," && $0 != "." }) : "report cut short"
      let kind: KernelReport.Kind = Self.announces(first) ? .bug : .warning
      keep(KernelReport(title: title, kind: kind, trace: speaker.preface, test: test))
    }
  }

  private mutating func keep(_ open: OpenReport, by name: String) {
    let report = open.closed()
    if let pointer = badPointer, pointer.leadsTo(report, by: name, beginning: lineNumber - open.lines.count) {
      var trace = reports[pointer.index].trace
      trace.append(contentsOf: report.trace.prefix(max(0, OpenReport.mostLines - trace.count)))
      reports[pointer.index].trace = trace
      badPointer = nil
      return
    }
    let count = reports.count
    keep(report)
    if reports.count > count { badPointer = BadPointer(report, at: count, by: name, line: lineNumber) }
  }

  private mutating func keep(_ report: KernelReport) {
    guard seen.count < Self.mostReports else {
      if !seen.contains(Identity(report)) { droppedReports += 1 }
      return
    }
    if seen.insert(Identity(report)).inserted { reports.append(report) }
  }

  /// Evicts speakers that are only remembered for a line of `=` first.
  private mutating func makeRoom() {
    guard speakers.count >= Self.mostSpeakers else { return }
    for (name, speaker) in speakers where speaker.open == nil && speaker.preface.isEmpty { speakers[name] = nil }
    if speakers.count >= Self.mostSpeakers, let first = speakers.keys.min() { close(first) }
  }

  /// Whether the line is a list corruption message that the BUG or WARN after it does not repeat.
  private static func announces(_ text: String) -> Bool {
    text.hasPrefix("list_add corruption") || text.hasPrefix("list_del corruption")
  }

  /// A line of at least 20 `=`.
  static func isRule(_ text: String) -> Bool {
    text.utf8.count >= 20 && text.utf8.first == UInt8(ascii: "=") && text.utf8.allSatisfy { $0 == UInt8(ascii: "=") }
  }
}

/// The properties that make two reports the same.
private struct Identity: Hashable, Sendable {
  var title: String
  var kind: KernelReport.Kind
  var test: String?

  init(_ report: KernelReport) {
    title = report.title
    kind = report.kind
    test = report.test
  }
}

/// KASAN checks an access before it happens. A null or wild pointer is therefore reported twice: by KASAN, and right
/// afterwards by the page fault, in the same function.
private struct BadPointer: Sendable {
  var index: Int
  private var speaker: String
  private var line: Int
  private var place: Substring?
  private var test: String?

  init?(_ report: KernelReport, at index: Int, by speaker: String, line: Int) {
    let pointers = ["KASAN: null-ptr-deref", "KASAN: wild-memory-access", "KASAN: user-memory-access"]
    guard report.kind == .kasan, pointers.contains(where: report.title.hasPrefix) else { return nil }
    self.index = index
    self.speaker = speaker
    self.line = line
    place = Self.place(report)
    test = report.test
  }

  func leadsTo(_ report: KernelReport, by speaker: String, beginning first: Int) -> Bool {
    guard report.kind == .oops, speaker == self.speaker, report.test == test, first - line <= 16 else { return false }
    // A log that was cut before the place of the fault cannot contradict.
    return Self.place(report) == nil || Self.place(report) == place
  }

  private static func place(_ report: KernelReport) -> Substring? {
    report.title.firstRange(of: " in ").map { report.title[$0.upperBound...] }
  }
}

/// The last lines of a stream.
private struct Tail: Sendable {
  let limit: Int
  private var lines: [String] = []
  private var next = 0

  init(limit: Int) { self.limit = max(0, limit) }

  mutating func append(_ line: String) {
    if lines.count < limit {
      lines.append(line)
    } else if limit > 0 {
      lines[next] = line
      next = (next + 1) % limit
    }
  }

  func last(_ count: Int) -> [String] {
    let ordered = lines[next...] + lines[..<next]
    return Array(ordered.suffix(max(0, count)))
  }
}
