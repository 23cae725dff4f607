// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// What became of one changed piece of the source in the guest.
public struct Reached: Codable, Sendable, Hashable {
  public enum State: String, Codable, Sendable, Hashable {
    /// It ran, or one of those that it is inlined into did.
    case ran
    /// It can be counted, and did not run in any test.
    case notReached = "not-reached"
    /// The kernel counts none of what it is in.
    case notCounted = "not-counted"
  }

  public var piece: CodeChange.Piece
  public var state: State
  /// The carrier that ran most; `nil` if none did.
  public var carrier: String?
  /// How often that one ran, in all tests together.
  public var runs: Int
  /// In how many tests.
  public var tests: Int
}

extension CodeChange {
  /// Holds the changed pieces against what was counted.
  public func reached(_ execution: Execution) -> [Reached] {
    let untraceable = Set(execution.untraceable)
    return pieces.map { piece in
      // Its own name says more than that of one it is inlined into, if it has run at all.
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

  /// Why it is not known that the changed code ran; nothing if it is.
  /// - Parameters:
  ///   - execution: `nil` if nothing was counted.
  ///   - accepted: changed lines that need not have run.
  func doubts(_ execution: Execution?, accepted: [AcceptedLines] = []) -> [Reason] {
    var reasons = notCompiled.map { Reason($0, "changed, and this configuration does not compile it") }
    let unknown = lines?.doubts(execution, accepted: accepted) ?? []
    // Nothing ran, so that only what was never compiled is in doubt.
    if isNothing { return reasons + unknown }
    guard let execution else {
      reasons.append(Reason("what of the changed code ran is not known: nothing was counted"))
      return reasons
    }
    if let failure = execution.failure {
      reasons.append(Reason("what of the changed code ran is not known: \(failure)"))
      return reasons
    }
    for entry in reached(execution) where entry.state != .ran {
      // Where each line of a function tells for itself, the function says no more than that none of them ran.
      let isTold = lines?.tell(entry.piece) ?? false
      let isInDoubt = lines?.isInDoubt(entry.piece, execution, accepted: accepted) ?? true
      if !isTold || entry.state == .notReached && isInDoubt { reasons.append(Self.reason(entry)) }
    }
    reasons += unknown
    for file in unexamined where file.hasSuffix(".S") {
      reasons.append(Reason(file, "changed, and what of it runs is not counted"))
    }
    if pieces.isEmpty, !functions.contains(where: { execution.count($0.name) > 0 }) {
      let names = functions.prefix(3).map { "\($0.name)()" } + unexamined.prefix(max(0, 3 - functions.count))
      let more = functions.count + unexamined.count - names.count
      reasons.append(
        Reason("no test is known to have run what changed: \(names.joined(separator: ", "))\(more > 0 ? ", …" : "")"))
    }
    return reasons
  }

  /// Why it is not known that all that changed was compiled; nothing if it is.
  func compilationDoubts(accepted: [AcceptedLines]) -> [Reason] {
    var reasons = notCompiled.map { Reason($0, "changed, and this configuration does not compile it") }
    guard let lines else { return reasons + [Reason("which of its lines are compiled is not known")] }
    reasons += lines.fates(nil, accepted: accepted).filter { $0.state == .notCompiled && $0.isDoubt }.map(\.doubt)
    if let failure = lines.failure {
      reasons.append(Reason("which of its lines are compiled is not known: \(failure)"))
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
    case .notCounted: return Reason(subject, place + "and the kernel cannot count whether it runs")
    case .notReached where piece.isInlined || piece.kind == .declarations:
      let what = piece.kind == .declarations ? "used by" : "inlined into"
      return Reason(subject, place + "\(what) \(others) function\(others == 1 ? "" : "s"), of which no test ran any")
    case .notReached: return Reason(subject, place + "and no test ran it")
    }
  }
}
