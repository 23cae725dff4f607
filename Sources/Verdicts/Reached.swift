// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The fate of one changed piece of the source in the guest.
public struct Reached: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable, Hashable {
    /// It ran, or a function that it is inlined into ran.
    case ran
    /// It can be counted, and did not run in any test.
    case notReached = "not-reached"
    /// The kernel cannot count any function that contains it.
    case notCounted = "not-counted"
  }

  public var piece: CodeChange.Piece
  public var state: State
  /// The carrier that ran most often; `nil` if none did.
  public var carrier: String?
  /// How often that carrier ran, in all tests together.
  public var runs: Int
  /// The number of tests in which it ran.
  public var tests: Int
}

extension CodeChange {
  /// Compares the changed pieces with what was counted.
  public func reached(_ execution: Execution) -> [Reached] {
    let untraceable = Set(execution.untraceable)
    return pieces.map { piece in
      // Its own name says more than that of a function it is inlined into, if it ran at all.
      let most = piece.carriers.map { ($0, execution.count($0)) }
        .max { a, b in
          let own = (a.0 == piece.name && a.1 > 0, b.0 == piece.name && b.1 > 0)
          return own.0 != own.1 ? own.1 : (a.1, b.0) < (b.1, a.0)
        }
      if let (carrier, runs) = most, runs > 0 {
        return Reached(
          piece: piece, state: .ran, carrier: carrier, runs: runs, tests: execution.runs[carrier]?.count ?? 0)
      }
      let isCountable = !piece.carriers.allSatisfy(untraceable.contains)
      return Reached(piece: piece, state: isCountable ? .notReached : .notCounted, carrier: nil, runs: 0, tests: 0)
    }
  }

  /// Returns the reasons why it is unknown whether the changed code ran; empty if it did.
  /// - Parameters:
  ///   - execution: `nil` if nothing was counted.
  ///   - accepted: changed lines that do not have to run.
  func doubts(_ execution: Execution?, accepted: [AcceptedLines] = []) -> [Reason] {
    var reasons = notCompiledReasons
    let unknown =
      optionAdvice(lines?.fates(execution, accepted: accepted) ?? [])
      + (lines?.doubts(execution, accepted: accepted) ?? [])
    // Nothing ran, so only code that was never compiled is in doubt.
    if isNothing { return reasons + unknown }
    guard let execution else {
      reasons.append(Reason("it is unknown which changed code ran: nothing was counted"))
      return reasons
    }
    if let failure = execution.failure {
      reasons.append(Reason("it is unknown which changed code ran: \(failure)"))
      return reasons
    }
    for entry in reached(execution) where entry.state != .ran {
      // If each line of a function has its own result, the function adds no more than that none of them ran.
      let isTold = lines?.tell(entry.piece) ?? false
      let isInDoubt = lines?.isInDoubt(entry.piece, execution, accepted: accepted) ?? true
      if !isTold || entry.state == .notReached && isInDoubt { reasons.append(Self.reason(entry)) }
    }
    reasons += unknown
    for file in unexamined where file.hasSuffix(".S") {
      reasons.append(Reason(file, "changed, but whether it runs is not counted"))
    }
    if pieces.isEmpty, !functions.contains(where: { execution.count($0.name) > 0 }) {
      let names = functions.prefix(3).map { "\($0.name)()" } + unexamined.prefix(max(0, 3 - functions.count))
      let more = functions.count + unexamined.count - names.count
      reasons.append(
        Reason("no test is known to have run the change: \(names.joined(separator: ", "))\(more > 0 ? ", …" : "")"))
    }
    return reasons
  }

  /// Returns the reasons why it is unknown whether all changes were compiled; empty if they were.
  func compilationDoubts(accepted: [AcceptedLines]) -> [Reason] {
    var reasons = notCompiledReasons
    guard let lines else { return reasons + [Reason("it is unknown which of its lines are compiled")] }
    let fates = lines.fates(nil, accepted: accepted).filter { $0.state == .notCompiled && $0.isDoubt }
    reasons += optionAdvice(fates) + fates.map(\.doubt)
    if let failure = lines.failure {
      reasons.append(Reason("it is unknown which of its lines are compiled: \(failure)"))
    }
    return reasons
  }

  private static func reason(_ entry: Reached) -> Reason {
    let piece = entry.piece
    let subject = piece.kind == .function ? piece.words : "\(piece.words) in \(piece.file)"
    let place = piece.kind == .function ? "changed in \(piece.file), " : "changed, "
    let others = piece.carriers.count { $0 != piece.name }
    switch entry.state {
    case .ran: return Reason(subject, "ran")
    case .notCounted: return Reason(subject, place + "but the kernel cannot count whether it runs")
    case .notReached where piece.isInlined || piece.kind == .declarations:
      let what = piece.kind == .declarations ? "used by" : "inlined into"
      return Reason(subject, place + "\(what) \(others) function\(others == 1 ? "" : "s"), but no test ran any of them")
    case .notReached: return Reason(subject, place + "but no test ran it")
    }
  }
}
