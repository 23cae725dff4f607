// SPDX-License-Identifier: Apache-2.0

/// What a guest said, as it is read.
public enum GuestEvent: Sendable, Hashable {
  /// The guest is up, speaks our protocol, and means to run these tests, in this order.
  case planned([String])
  case started(String)
  case finished(TestResult)
  /// A function of the kernel ran so often during a test.
  case ran(function: String, test: String, count: Int)
  /// An instruction ran so often during a test, and its condition held so often.
  case hit(probe: Int, test: String, count: Int, held: Int)
  /// An instruction has run often enough and is not looked at any more.
  case enough(probe: Int)
  /// The kernel does not let anybody count a function's calls.
  case untraceable(function: String)
  /// The kernel does not let anybody stop at an instruction; why.
  case refused(probe: Int, String)
  /// The guest was asked to count what runs, and cannot.
  case notCounted(String)
  /// The guest runs no more of its plan, and says why.
  case stopped(String)
  /// The guest's last word, with the number of results it says it wrote.
  case end(count: Int)
  /// So many lines were not signed by PID 1, and are not believed; the payload's text is the first.
  case unsigned(lines: Int, first: String)
  /// Something that the protocol does not allow. The run's evidence is then not whole.
  case anomaly(String)
}

/// Reads the guest's KTAP stream piece by piece, as it arrives.
///
/// A patched kernel owns this channel, so nothing here trusts it: lines are bounded, bytes that are no UTF-8 are
/// replaced, results that contradict the plan become anomalies. Given the guest's secret, it believes only what is signed
/// with that.
public struct KTAPReader: Sendable {
  /// The longest line that is read, in bytes; what is beyond is cut and reported as an anomaly.
  public static let longestLine = 4096
  /// The most tests a plan may name.
  public static let mostTests = 10_000
  /// The most checks one test may report.
  public static let mostChecks = 10_000

  private var line: [UInt8] = []
  private var lineWasCut = false
  private var declared: Int?
  private var names: [String] = []
  private var planSent = false
  private var checks: [Check] = []
  private var tooManyChecks = false
  private var reported: Set<Int> = []
  private var ended = false
  private var signatures: Signatures?

  /// - Parameter secret: `nil` for a stream that nobody signs.
  public init(secret: GuestSecret? = nil) { signatures = secret.map(Signatures.init) }

  /// Takes the next bytes of the stream and returns what they completed.
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

  /// Says that nothing more will come, and returns what that means for what came last.
  public mutating func finish() -> [GuestEvent] {
    var events: [GuestEvent] = []
    signatures?.finish(&events)
    return events
  }

  private mutating func take(_ raw: String, into events: inout [GuestEvent]) {
    // A serial line may add carriage returns; they carry nothing.
    let text = raw.last == "\r" || raw.last == "\r\n" ? String(raw.dropLast()) : raw
    // Where nobody asks for signatures they say nothing, and the last one stands behind the end.
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

  /// The first two words and the rest as it stands. Cut at bytes: a name may begin with a mark that Swift would join
  /// to the space before it.
  private static func words(_ text: Substring) -> [Substring] {
    text.utf8.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false).map { Substring($0) }
  }

  /// What stands behind the `because` of a line.
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
        events.append(.anomaly("a count that tells nothing: \(words[1]) \(words[2])"))
      }
    case ("hits", 3): takeHits(words, into: &events)
    case ("enough", 2...):
      for word in words.dropFirst().joined(separator: " ").split(separator: " ") {
        if let probe = Int(word), probe >= 0 {
          events.append(.enough(probe: probe))
        } else {
          events.append(.anomaly("no number of a probe: \(word)"))
        }
      }
    case ("untraceable", 2): events.append(.untraceable(function: ResultLine.unescape(words[1])))
    case ("refused", 3):
      if let probe = Int(words[1]), probe >= 0 {
        events.append(.refused(probe: probe, Self.reason(words[2])))
      } else {
        events.append(.anomaly("a refusal that tells nothing: \(words[1]) \(words[2])"))
      }
    case ("uncounted", 3): events.append(.notCounted(Self.reason(words[2])))
    case ("stopped", 3): events.append(.stopped(Self.reason(words[2])))
    case ("end", 2):
      ended = true
      let count = Int(words[1]) ?? -1
      if count != reported.count {
        events.append(.anomaly("the guest says \(words[1]) results, \(reported.count) arrived"))
      }
      events.append(.end(count: count))
    default: break  // A newer guest may say more; what is not known is passed over.
    }
  }

  /// `hits 12 0:5 3:7/4`
  private func takeHits(_ words: [Substring], into events: inout [GuestEvent]) {
    guard let number = Int(words[1]), names.indices.contains(number - 1) else {
      events.append(.anomaly("counts of no test: \(words[1])"))
      return
    }
    for word in words[2].split(separator: " ") {
      let parts = word.split { $0 == ":" || $0 == "/" }.map { Int($0) }
      guard parts.count == 2 || parts.count == 3, let probe = parts[0], let count = parts[1], probe >= 0, count > 0,
        let held = parts.count == 3 ? parts[2] : 0, (0...count).contains(held)
      else {
        events.append(.anomaly("a count that tells nothing: \(word)"))
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

  private mutating func takeCheck(_ text: Substring, into events: inout [GuestEvent]) {
    guard let line = ResultLine(text) else { return }
    if checks.count < Self.mostChecks {
      checks.append(Check(name: line.description, passed: line.passed, detail: line.data))
    } else if !tooManyChecks {
      tooManyChecks = true
      events.append(.anomaly("more than \(Self.mostChecks) checks in one test"))
    }
  }

  private mutating func forgetChecks() {
    checks = []
    tooManyChecks = false
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
      events.append(.anomaly("\(line.description) says ok, its check says otherwise: \(failed.name)"))
    }
    events.append(
      .finished(TestResult(name: line.description, status: status, reason: line.reason, checks: checks)))
  }
}
