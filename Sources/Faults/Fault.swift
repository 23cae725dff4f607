// SPDX-License-Identifier: Apache-2.0

/// A fault that is caused on purpose, and its expected outcome.
public struct Fault: Sendable {
  /// The name, such as `build/makefile-reads`: what the fault hits, and how.
  public var name: String
  /// What is done, in one line.
  public var what: String
  /// The expected outcome, in one line.
  public var expected: String
  let trial: Trial

  enum Trial: Sendable {
    /// A series, tried in one run together with others.
    case series(SeriesTrial)
    /// Arbitrary code.
    case own(@Sendable (FaultBench) async throws -> Seen)
  }

  /// A series, and the check of its outcome.
  struct SeriesTrial: Sendable {
    var patches: @Sendable (SeriesMaker) async throws -> [String]
    var check: @Sendable (SeriesOutcome, FaultBench) throws -> Seen
  }
}

/// The outcome of a fault.
public struct Seen: Codable, Sendable, Hashable {
  /// Whether the outcome is the expected one.
  public var isExpected: Bool
  /// The outcome, in one line.
  public var words: String

  /// - Parameter isExpected: whether the outcome is the expected one.
  init(_ isExpected: Bool, _ words: String) {
    self.isExpected = isExpected
    self.words = words
  }

  /// Returns this outcome, unless something else is wrong too.
  func and(_ wrong: String?) -> Seen {
    guard let wrong else { return self }
    return Seen(false, isExpected ? wrong : "\(words); \(wrong)")
  }
}

/// The outcomes of all faults that were tried.
public struct FaultReport: Codable, Sendable, Hashable {
  public struct Row: Codable, Sendable, Hashable {
    public var name: String
    public var what: String
    public var expected: String
    public var seen: Seen
    public var seconds: Double
  }

  public var rows: [Row]

  /// Whether there are rows and all came out as expected.
  public var isFine: Bool { !rows.isEmpty && rows.allSatisfy(\.seen.isExpected) }
}

extension Fault {
  /// Every row of the table.
  public static let all: [Fault] =
    buildFaults + patchFaults + kernelFaults + machineFaults + runFaults + diskFaults + nightFaults + historyFaults
}
