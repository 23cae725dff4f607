// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The fate of one changed line in the guest.
public struct LineFate: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable, Hashable, CaseIterable {
    /// It ran, and if it is a condition it went both ways.
    case ran
    /// It is a condition, and one of its outcomes was never taken.
    case oneWay = "one-way"
    /// No test ran it.
    case notRun = "did-not-run"
    /// It is in the image, but whether it runs cannot be seen.
    case unseen = "cannot-be-seen"
    /// The compiler did not see it, or dropped it.
    case notCompiled = "not-compiled"
    /// Its function compiles to the base's code.
    case sameCode = "same-code"
    /// A macro, a type or a table: counted by the functions that use it.
    case declaration
    /// Nothing that could run.
    case noCode = "no-code"
  }

  public var line: ChangedLine
  public var state: State
  /// The minimum number of times it ran, in all tests together.
  public var runs: Int
  /// The tests in which it ran, sorted.
  public var tests: [String]
  /// Whether counting stopped early because it had run often enough. It may have run in more tests, and both numbers
  /// are minimums.
  public var isLeast: Bool
  /// The outcomes that were never taken: `to line 163`.
  public var missing: [String]
  /// Why it cannot be seen or was not compiled.
  public var reason: String
  /// The reviewer's statement that it does not have to run; `nil` if there is none.
  public var accepted: AcceptedLines?

  /// Whether it leaves the verdict in doubt.
  public var isDoubt: Bool {
    guard accepted == nil else { return false }
    return switch state {
    case .oneWay, .notRun, .unseen, .notCompiled: true
    case .ran, .sameCode, .declaration, .noCode: false
    }
  }

  init(_ line: ChangedLine, _ execution: Execution?, accepted: [AcceptedLines]) {
    self.line = line
    runs = 0
    tests = []
    isLeast = false
    missing = []
    reason = ""
    self.accepted = nil
    switch line.place {
    case .noCode: state = .noCode
    case .declaration: state = .declaration
    case .sameCode: state = .sameCode
    case .notCompiled(let why):
      state = .notCompiled
      reason = why
    case .unseen(let why):
      state = .unseen
      reason = why
    case .watched(let watch):
      state = .notRun
      look(watch, execution)
    }
    if isDoubt { self.accepted = accepted.first { $0.lines.matches(line.name) } }
  }

  private mutating func look(_ watch: LineWatch, _ execution: Execution?) {
    guard let execution, let probes = execution.probes else {
      state = .unseen
      reason = execution?.failure ?? "nothing was counted"
      return
    }
    let refused = execution.refused ?? [:]
    func count(_ sight: LineWatch.Sight, in test: String) -> Int {
      guard let seen = probes[sight.probe]?[test] else { return 0 }
      return switch sight.taken {
      case nil: seen.hits
      case true?: seen.taken
      case false?: seen.hits - seen.taken
      }
    }
    func tests(_ sights: [LineWatch.Sight]) -> [String: Int] {
      var found: [String: Int] = [:]
      for sight in sights {
        for test in (probes[sight.probe] ?? [:]).keys {
          let seen = count(sight, in: test)
          // Several addresses of a line may belong to one execution of it.
          if seen > 0 { found[test] = max(found[test] ?? 0, seen) }
        }
      }
      return found
    }
    let all = [watch.ran] + watch.ways.map(\.sights)
    // If no probe could be set, it means nothing that nothing was seen.
    let blind = all.filter { !$0.isEmpty && $0.allSatisfy { refused[$0.probe] != nil } }
    let ran = tests(watch.ran.isEmpty ? watch.ways.flatMap(\.sights) : watch.ran)
    runs = ran.values.reduce(0, +)
    self.tests = ran.keys.sorted()
    if let enough = execution.enough { isLeast = all.joined().contains { enough.contains($0.probe) } }
    missing = watch.ways.filter { tests($0.sights).isEmpty }.map(\.words)
    if let first = blind.first?.first, let why = refused[first.probe] {
      state = .unseen
      reason = why
    } else if runs == 0 {
      state = execution.failure == nil ? .notRun : .unseen
      reason = execution.failure ?? ""
    } else if watch.ran.isEmpty, missing.count == watch.ways.count {
      state = .notRun
    } else {
      state = missing.isEmpty ? .ran : .oneWay
    }
  }

  /// The reason why the line leaves a verdict in doubt.
  var doubt: Reason {
    let source = line.text.drop { $0 == " " || $0 == "\t" }
    let text = "`\(source.prefix(160))`"
    let subject = line.follows ? "follows removed lines" : "changed"
    switch state {
    case .oneWay:
      return Reason(line.name, "\(subject), but no test took it \(missing.joined(separator: ", or ")): \(text)")
    case .unseen: return Reason(line.name, "\(subject), but it cannot be seen whether it ran (\(reason)): \(text)")
    case .notCompiled:
      return Reason(line.name, "\(subject), but this configuration does not compile it (\(reason)): \(text)")
    case .ran, .notRun, .sameCode, .declaration, .noCode:
      return Reason(line.name, "\(subject), but no test ran it: \(text)")
    }
  }
}

extension ChangedLines {
  /// Compares each line with what was counted.
  /// - Parameters:
  ///   - execution: `nil` if nothing was counted.
  ///   - accepted: lines that do not have to run.
  public func fates(_ execution: Execution?, accepted: [AcceptedLines] = []) -> [LineFate] {
    lines.map { LineFate($0, execution, accepted: accepted) }
  }

  /// Returns the reasons why it is unknown whether all lines ran; empty if they did.
  func doubts(_ execution: Execution?, accepted: [AcceptedLines]) -> [Reason] {
    let found = fates(execution, accepted: accepted).filter(\.isDoubt).map(\.doubt)
    var reasons = Array(found.prefix(Self.mostReasons))
    if found.count > reasons.count {
      reasons.append(Reason("\(found.count - reasons.count) more changed lines are not known to have run"))
    }
    if let failure { reasons.append(Reason("it is unknown which of its lines ran: \(failure)")) }
    return reasons
  }

  /// If thousands of lines did not run, the first ones are enough.
  private static let mostReasons = 40

  /// Returns whether any line of a function is in doubt.
  func isInDoubt(_ piece: CodeChange.Piece, _ execution: Execution?, accepted: [AcceptedLines]) -> Bool {
    lines.contains {
      $0.file == piece.file && $0.function == piece.name && LineFate($0, execution, accepted: accepted).isDoubt
    }
  }

  /// Returns whether a function's lines say more than that it ran.
  func tell(_ piece: CodeChange.Piece) -> Bool {
    failure == nil
      && lines.contains { line in
        guard line.file == piece.file, line.function == piece.name else { return false }
        return switch line.place {
        case .watched, .unseen: true
        case .noCode, .declaration, .sameCode, .notCompiled: false
        }
      }
  }
}
