// SPDX-License-Identifier: Apache-2.0

/// What a guest said, as it is parsed.
public enum GuestEvent: Sendable, Hashable {
  /// The guest is up, speaks our protocol, and plans these tests, in this order.
  case planned([String])
  case started(String)
  case finished(TestResult)
  /// A kernel function ran this often during a test.
  case ran(function: String, test: String, count: Int)
  /// An instruction ran `count` times during a test, and its condition held `held` times.
  case hit(probe: Int, test: String, count: Int, held: Int)
  /// An instruction has run often enough and is no longer watched.
  case enough(probe: Int)
  /// The kernel does not allow counting this function's calls.
  case untraceable(function: String)
  /// The kernel does not allow a probe at this instruction, for this reason.
  case refused(probe: Int, String)
  /// The guest was asked to count what runs, but cannot.
  case notCounted(String)
  /// The guest abandons the rest of its plan, for this reason.
  case stopped(String)
  /// The guest's last line, with the number of results that it claims to have written.
  case end(count: Int)
  /// This many lines were not signed by PID 1, and are ignored; `first` is the text of the first.
  case unsigned(lines: Int, first: String)
  /// A violation of the protocol. The run's evidence is then incomplete.
  case anomaly(String)
}

/// Parses the guest's KTAP stream piece by piece, as it arrives.
///
/// A patched kernel owns this channel, so the reader does not trust it:
/// - The length of lines is limited.
/// - Invalid UTF-8 is replaced.
/// - Results that contradict the plan become anomalies.
/// - If the reader is given the guest's secret, it believes only what is signed with it.
public struct KTAPReader: Sendable {
  /// The maximum line length in bytes; longer lines are cut and reported as an anomaly.
  public static let longestLine = 4096
  /// The maximum number of tests in a plan.
  public static let mostTests = 10_000
  /// The maximum number of checks in one test.
  public static let mostChecks = 10_000

  private var line: [UInt8] = []
  private var lineWasCut = false
  private var declared: Int?
  private var names: [String] = []
  private var planSent = false
  private var checks: [Check] = []
  private var tooManyChecks = false
  /// What of today's design the next check asks for.
  private var design: Design?
  private var reported: Set<Int> = []
  private var ended = false
  private var signatures: Signatures?

  /// - Parameter secret: `nil` for an unsigned stream.
  public init(secret: GuestSecret? = nil) { signatures = secret.map(Signatures.init) }

  /// Takes the next bytes of the stream and returns the events that they complete.
  public mutating func read(_ bytes: some Sequence<UInt8>) -> [GuestEvent] {
    var events: [GuestEvent] = []
    for byte in bytes {
      if byte == 0x0a {
        if lineWasCut { events.append(.anomaly("a line longer than \(Self.longestLine) bytes was cut")) }
        if signatures == nil {
          take(String(decoding: line, as: UTF8.self), into: &events)
        } else {
          for text in signatures?.take(line, &events) ?? [] { take(text, into: &events) }
        }
        line.removeAll(keepingCapacity: true)
        lineWasCut = false
      } else if line.count < Self.longestLine {
        line.append(byte)
      } else {
        lineWasCut = true
      }
    }
    return events
  }

  /// Ends the stream, and returns the events that follow from what is left.
  public mutating func finish() -> [GuestEvent] {
    var events: [GuestEvent] = []
    signatures?.finish(&events)
    return events
  }

  private mutating func take(_ raw: String, into events: inout [GuestEvent]) {
    // A serial line may add carriage returns; they mean nothing.
    let text = raw.last == "\r" || raw.last == "\r\n" ? String(raw.dropLast()) : raw
    // If no signatures are required, they mean nothing, and the last one comes after the end marker.
    if text.isEmpty || text.hasPrefix("# patchbench: \(KTAPWriter.signed) ") { return }
    if ended {
      events.append(.anomaly("text after the end marker: \(text)"))
      return
    }
    if text.hasPrefix("    ") {
      takeCheck(text.dropFirst(4), into: &events)
    } else if text.hasPrefix("# patchbench: ") {
      takeOwn(Self.words(text.dropFirst(14)), into: &events)
    } else if text.hasPrefix("1..") {
      if let count = Int(text.dropFirst(3)), declared == nil, (0...Self.mostTests).contains(count) {
        declared = count
      } else {
        events.append(.anomaly("a second or unusable plan: \(text)"))
      }
    } else if let result = ResultLine(text) {
      takeResult(result, into: &events)
    } else if !text.hasPrefix("#"), text != "KTAP version 1" {
      events.append(.anomaly("not KTAP: \(text)"))
    }
  }

  /// Returns the first two words and the unchanged rest. It splits bytes, because a name may begin with a combining
  /// mark, which Swift would join to the space before it.
  private static func words(_ text: Substring) -> [Substring] {
    text.utf8.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false).map { Substring($0) }
  }

  /// The text after the `because` of a line.
  private static func reason(_ text: Substring) -> String { ResultLine.unescape(text) }

  private mutating func takeOwn(_ words: [Substring], into events: inout [GuestEvent]) {
    switch (words.first, words.count) {
    case ("protocol", 2):
      if words[1] != "\(KTAPWriter.protocolVersion)" {
        events.append(.anomaly("the guest speaks protocol \(words[1]), not \(KTAPWriter.protocolVersion)"))
      } else if declared == 0 {
        sendPlan(into: &events)
      }
    case ("planned", 2...):
      let name = words.count == 3 ? words[2] : ""
      if name.isEmpty || planSent || declared == nil || Int(words[1]) != names.count + 1 {
        events.append(.anomaly("a test planned out of turn: \(words[1]) \(name)"))
      } else {
        names.append(ResultLine.unescape(name))
        if names.count == declared { sendPlan(into: &events) }
      }
    case ("start", 2):
      forgetChecks()
      if let number = Int(words[1]), planSent, names.indices.contains(number - 1) {
        events.append(.started(names[number - 1]))
      } else {
        events.append(.anomaly("a test started that was not planned: \(words[1])"))
      }
    case ("ran", 3):
      let parts = words[2].split(separator: " ", maxSplits: 1)
      if let number = Int(words[1]), names.indices.contains(number - 1), parts.count == 2, let count = Int(parts[0]),
        count > 0
      {
        events.append(
          .ran(function: ResultLine.unescape(parts[1]), test: names[number - 1], count: count))
      } else {
        events.append(.anomaly("an unusable count: \(words[1]) \(words[2])"))
      }
    case ("hits", 3): takeHits(words, into: &events)
    case ("enough", 2...):
      for word in words.dropFirst().joined(separator: " ").split(separator: " ") {
        if let probe = Int(word), probe >= 0 {
          events.append(.enough(probe: probe))
        } else {
          events.append(.anomaly("not a probe number: \(word)"))
        }
      }
    case ("untraceable", 2): events.append(.untraceable(function: ResultLine.unescape(words[1])))
    case ("refused", 3):
      if let probe = Int(words[1]), probe >= 0 {
        events.append(.refused(probe: probe, Self.reason(words[2])))
      } else {
        events.append(.anomaly("an unusable refusal: \(words[1]) \(words[2])"))
      }
    case ("uncounted", 3): events.append(.notCounted(Self.reason(words[2])))
    case ("stopped", 3): events.append(.stopped(Self.reason(words[2])))
    case ("end", 2):
      ended = true
      let count = Int(words[1]) ?? -1
      if count != reported.count {
        events.append(.anomaly("the guest claims \(words[1]) results, but \(reported.count) arrived"))
      }
      events.append(.end(count: count))
    default: break  // A newer guest may say more; unknown lines are ignored.
    }
  }

  /// `hits 12 0:5 3:7/4`
  private func takeHits(_ words: [Substring], into events: inout [GuestEvent]) {
    guard let number = Int(words[1]), names.indices.contains(number - 1) else {
      events.append(.anomaly("counts for an unknown test: \(words[1])"))
      return
    }
    for word in words[2].split(separator: " ") {
      let parts = word.split { $0 == ":" || $0 == "/" }.map { Int($0) }
      guard parts.count == 2 || parts.count == 3, let probe = parts[0], let count = parts[1], probe >= 0, count > 0,
        let held = parts.count == 3 ? parts[2] : 0, (0...count).contains(held)
      else {
        events.append(.anomaly("an unusable count: \(word)"))
        return
      }
      events.append(.hit(probe: probe, test: names[number - 1], count: count, held: held))
    }
  }

  private mutating func sendPlan(into events: inout [GuestEvent]) {
    planSent = true
    if Set(names).count != names.count { events.append(.anomaly("the plan names a test twice")) }
    events.append(.planned(names))
  }

  private static let announcement = "# patchbench: \(KTAPWriter.design) "

  private mutating func takeCheck(_ text: Substring, into events: inout [GuestEvent]) {
    if text.hasPrefix(Self.announcement) {
      design = Design(rawValue: String(text.dropFirst(Self.announcement.count)))
      return
    }
    guard let line = ResultLine(text) else { return }
    defer { design = nil }
    if checks.count < Self.mostChecks {
      checks.append(Check(name: line.description, passed: line.passed, detail: line.data, design: design))
    } else if !tooManyChecks {
      tooManyChecks = true
      events.append(.anomaly("more than \(Self.mostChecks) checks in one test"))
    }
  }

  private mutating func forgetChecks() {
    checks = []
    tooManyChecks = false
    design = nil
  }

  private mutating func takeResult(_ line: ResultLine, into events: inout [GuestEvent]) {
    defer { forgetChecks() }
    guard planSent, names.indices.contains(line.number - 1), names[line.number - 1] == line.description else {
      events.append(.anomaly("a result that was not planned: \(line.number) \(line.description)"))
      return
    }
    guard reported.insert(line.number).inserted else {
      events.append(.anomaly("a second result for \(line.description)"))
      return
    }
    let status = line.status
    if status == .ok, let failed = checks.first(where: { !$0.passed }) {
      events.append(.anomaly("\(line.description) says ok, but its check failed: \(failed.name)"))
    }
    events.append(
      .finished(TestResult(name: line.description, status: status, reason: line.reason, checks: checks)))
  }
}
