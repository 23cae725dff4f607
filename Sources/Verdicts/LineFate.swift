// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// What became of one changed line in the guest.
public struct LineFate: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable, Hashable, CaseIterable {
    /// It ran, and where it is a condition it went both ways.
    case ran
    /// It is a condition, and one of its ways was never taken.
    case oneWay = "one-way"
    /// No test ran it.
    case notRun = "did-not-run"
    /// It is in the image, and nobody can see whether it runs.
    case unseen = "cannot-be-seen"
    /// The compiler did not see it, or dropped it.
    case notCompiled = "not-compiled"
    /// Its function comes out as on the base.
    case sameCode = "same-code"
    /// A macro, a type or a table: counted by the functions that use it.
    case declaration
    /// Nothing that could run.
    case noCode = "no-code"
  }

  public var line: ChangedLine
  public var state: State
  /// How often it ran, at least, in all tests together.
  public var runs: Int
  /// In which tests, sorted.
  public var tests: [String]
  /// It was not looked at to the end: it had run often enough. It may have run in more tests, and both numbers are the
  /// least.
  public var isLeast: Bool
  /// The ways that were never taken: `to line 163`.
  public var missing: [String]
  /// Why it cannot be seen, or was not compiled.
  public var reason: String
  /// The reviewer's own word that it need not have run; `nil` if there is none.
  public var accepted: AcceptedLines?

  /// Whether the verdict is in doubt for it.
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
          // Several addresses of one line may be of one run of it.
          if seen > 0 { found[test] = max(found[test] ?? 0, seen) }
        }
      }
      return found
    }
    let all = [watch.ran] + watch.ways.map(\.sights)
    // That something was not seen means nothing where nobody could look.
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

  /// Why the line leaves a verdict in doubt.
  var doubt: Reason {
    let source = line.text.drop { $0 == " " || $0 == "\t" }
    let text = "`\(source.prefix(160))`"
    let subject = line.follows ? "follows what was removed" : "changed"
    switch state {
    case .oneWay:
      return Reason(line.name, "\(subject), and no test took it \(missing.joined(separator: ", or ")): \(text)")
    case .unseen: return Reason(line.name, "\(subject), and whether it ran cannot be seen (\(reason)): \(text)")
    case .notCompiled:
      return Reason(line.name, "\(subject), and this configuration does not compile it (\(reason)): \(text)")
    case .ran, .notRun, .sameCode, .declaration, .noCode:
      return Reason(line.name, "\(subject), and no test ran it: \(text)")
    }
  }
}

extension ChangedLines {
  /// Holds each line against what was counted.
  /// - Parameters:
  ///   - execution: `nil` if nothing was counted.
  ///   - accepted: lines that need not have run.
  public func fates(_ execution: Execution?, accepted: [AcceptedLines] = []) -> [LineFate] {
    lines.map { LineFate($0, execution, accepted: accepted) }
  }

  /// Why it is not known that all lines ran; nothing if it is.
  func doubts(_ execution: Execution?, accepted: [AcceptedLines]) -> [Reason] {
    let found = fates(execution, accepted: accepted).filter(\.isDoubt).map(\.doubt)
    var reasons = Array(found.prefix(Self.mostReasons))
    if found.count > reasons.count {
      reasons.append(Reason("\(found.count - reasons.count) more changed lines are not known to have run"))
    }
    if let failure { reasons.append(Reason("which of its lines ran is not known: \(failure)")) }
    return reasons
  }

  /// A series of thousands of lines says with the first of them what it has to.
  private static let mostReasons = 40

  /// Whether any line of a function is in doubt.
  func isInDoubt(_ piece: CodeChange.Piece, _ execution: Execution?, accepted: [AcceptedLines]) -> Bool {
    lines.contains {
      $0.file == piece.file && $0.function == piece.name && LineFate($0, execution, accepted: accepted).isDoubt
    }
  }

  /// Whether a function's lines tell more than that it ran.
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
