// SPDX-License-Identifier: Apache-2.0

/// What became of a mutant.
public enum MutantFate: String, Codable, Sendable, Hashable, CaseIterable {
  /// Two tests answered worse, or one twice, or the kernel reported something new, or the guest did not live.
  case killed
  /// It ran, and nobody noticed.
  case alive
  /// It did not run in any test, or its file is not compiled.
  case unreached
  /// The compiler made the same code of it.
  case sameCode = "same-code"
  /// It is no kernel: the compiler refused it. It says nothing of the suite.
  case notBuilt = "not-built"
  /// The harness failed, or the evidence does not carry an answer. Never counted as killed.
  case undecided
  /// The run was stopped before its turn.
  case notRun = "not-run"
}

/// A mutant with what became of it.
public struct JudgedMutant: Codable, Sendable, Hashable {
  public var mutant: Mutant
  public var fate: MutantFate
  /// By what it was killed, or why it is what it is: `forward/vgem-to-vkms/vm-file: not-ok …`.
  public var reason: String
  /// Why it does what the code did before, if somebody has argued so.
  public var equivalent: String?
  /// Wall time of its own, in seconds, without waiting for its turn; `nil` if it had none.
  public var seconds: Double?
  /// How many tests were asked: those that run the line, where that is known. `nil` if it was not run.
  public var asked: Int?

  public init(
    mutant: Mutant, fate: MutantFate, reason: String, equivalent: String? = nil, seconds: Double? = nil,
    asked: Int? = nil
  ) {
    self.mutant = mutant
    self.fate = fate
    self.reason = reason
    self.equivalent = equivalent
    self.seconds = seconds
    self.asked = asked
  }

  /// A killed one is not equivalent, whatever was argued. One that is argued to be is not tried, as a rule.
  var isArgued: Bool { equivalent != nil && [.alive, .unreached, .undecided, .notRun].contains(fate) }
}

/// How many of some mutants were killed.
public struct MutantScore: Codable, Sendable, Hashable {
  public var all = 0
  public var killed = 0
  public var alive = 0
  public var unreached = 0
  public var sameCode = 0
  public var notBuilt = 0
  public var undecided = 0
  public var notRun = 0
  /// Argued to be equivalent, of those that were not killed. They are counted here and nowhere else.
  public var equivalent = 0

  public init(_ mutants: some Sequence<JudgedMutant>) {
    for one in mutants {
      all += 1
      if one.isArgued {
        equivalent += 1
        continue
      }
      switch one.fate {
      case .killed: killed += 1
      case .alive: alive += 1
      case .unreached: unreached += 1
      case .sameCode: sameCode += 1
      case .notBuilt: notBuilt += 1
      case .undecided: undecided += 1
      case .notRun: notRun += 1
      }
    }
  }

  /// What could have been killed: all but those of the same code, those argued to be equivalent, those that do not build,
  /// and those that were not run.
  public var valid: Int { killed + alive + unreached + undecided }
  /// The same, without those that no test reaches.
  public var reached: Int { killed + alive + undecided }

  /// The share of the valid ones that was killed.
  public var ofValid: Share? { Share(killed, of: valid) }
  /// The share of those that ran.
  public var ofReached: Share? { Share(killed, of: reached) }
}

/// A share of a sample, and where that of all lies with a confidence of 95 %.
public struct Share: Codable, Sendable, Hashable {
  public var count: Int
  public var of: Int
  public var value: Double
  public var low: Double
  public var high: Double

  /// The interval is Wilson's (1927), which holds for small samples and near 0 and 1 as well.
  /// - Returns: `nil` for a share of nothing.
  public init?(_ count: Int, of total: Int) {
    guard total > 0, (0...total).contains(count) else { return nil }
    self.count = count
    of = total
    value = Double(count) / Double(total)
    let z = 1.959963984540054
    let n = Double(total)
    let scale = 1 + z * z / n
    let middle = (value + z * z / (2 * n)) / scale
    let half = z / scale * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot()
    low = count == 0 ? 0 : max(0, middle - half)
    high = count == total ? 1 : min(1, middle + half)
  }
}
