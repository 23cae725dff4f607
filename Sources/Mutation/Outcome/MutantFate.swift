// SPDX-License-Identifier: Apache-2.0

/// The fate of a mutant.
public enum MutantFate: String, Codable, Sendable, Hashable, CaseIterable {
  /// Two tests got worse, or one did twice, or the kernel reported something new, or the guest died.
  case killed
  /// It ran, and no test detected it.
  case alive
  /// No test ran it, or its file is not compiled.
  case unreached
  /// The compiler produced the same code for it.
  case sameCode = "same-code"
  /// It does not build: the compiler rejected it. This says nothing about the suite.
  case notBuilt = "not-built"
  /// The harness failed, or the evidence does not support an answer. Never counted as killed.
  case undecided
  /// The run was stopped before its turn.
  case notRun = "not-run"
}

/// A mutant with its fate.
public struct JudgedMutant: Codable, Sendable, Hashable {
  public var mutant: Mutant
  public var fate: MutantFate
  /// What killed it, or why it has this fate: `forward/vgem-to-vkms/vm-file: not-ok …`.
  public var reason: String
  /// Why it behaves as the original code does, if that is argued.
  public var equivalent: String?
  /// Its own wall time in seconds, without waiting for its turn; `nil` if it was not run.
  public var seconds: Double?
  /// The number of tests it was given: those that run the line, if that is known. `nil` if it was not run.
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

  /// A killed mutant is not equivalent, whatever was argued. One that is argued to be equivalent is normally not tried.
  var isArgued: Bool { equivalent != nil && [.alive, .unreached, .undecided, .notRun].contains(fate) }
}

/// The numbers of mutants by fate.
public struct MutantScore: Codable, Sendable, Hashable {
  public var all = 0
  public var killed = 0
  public var alive = 0
  public var unreached = 0
  public var sameCode = 0
  public var notBuilt = 0
  public var undecided = 0
  public var notRun = 0
  /// The mutants argued to be equivalent that were not killed. They are counted here and nowhere else.
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

  /// The number of mutants that could have been killed. It excludes:
  /// - those with the same code;
  /// - those argued to be equivalent;
  /// - those that do not build;
  /// - those that were not run.
  public var valid: Int { killed + alive + unreached + undecided }
  /// The same, without those that no test reaches.
  public var reached: Int { killed + alive + undecided }

  /// The killed share of the valid mutants.
  public var ofValid: Share? { Share(killed, of: valid) }
  /// The killed share of the mutants that ran.
  public var ofReached: Share? { Share(killed, of: reached) }
}

/// A share of a sample, with the 95 % confidence interval for the whole.
public struct Share: Codable, Sendable, Hashable {
  public var count: Int
  public var of: Int
  public var value: Double
  public var low: Double
  public var high: Double

  /// The interval is Wilson's (1927), which also holds for small samples and near 0 and 1.
  /// - Returns: `nil` if the total is 0.
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
