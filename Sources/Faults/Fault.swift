// SPDX-License-Identifier: Apache-2.0

/// Something that goes wrong, is done on purpose, and has to come out as it is written here.
public struct Fault: Sendable {
  /// `build/reads-shadow`: what is hit, and how.
  public var name: String
  /// What is done, in a line.
  public var what: String
  /// What has to be seen, in a line.
  public var expected: String
  let trial: Trial

  enum Trial: Sendable {
    /// A series, tried in one run together with others.
    case series(SeriesTrial)
    /// Whatever it takes.
    case own(@Sendable (FaultBench) async throws -> Seen)
  }

  /// A series and what has to become of it.
  struct SeriesTrial: Sendable {
    var patches: @Sendable (SeriesMaker) async throws -> [String]
    var check: @Sendable (SeriesOutcome, FaultBench) throws -> Seen
  }
}

/// What came of a fault.
public struct Seen: Codable, Sendable, Hashable {
  /// Whether it is what was expected.
  public var isExpected: Bool
  /// In a line.
  public var words: String

  /// - Parameter isExpected: whether it is what was expected.
  init(_ isExpected: Bool, _ words: String) {
    self.isExpected = isExpected
    self.words = words
  }

  /// As expected only where nothing else is wrong either.
  func and(_ wrong: String?) -> Seen {
    guard let wrong else { return self }
    return Seen(false, isExpected ? wrong : "\(words); \(wrong)")
  }
}

/// All that was tried.
public struct FaultReport: Codable, Sendable, Hashable {
  public struct Row: Codable, Sendable, Hashable {
    public var name: String
    public var what: String
    public var expected: String
    public var seen: Seen
    public var seconds: Double
  }

  public var rows: [Row]

  /// Whether each row came out as expected, and there are any.
  public var isFine: Bool { !rows.isEmpty && rows.allSatisfy(\.seen.isExpected) }
}

extension Fault {
  /// Every row of the table.
  public static let all: [Fault] = buildFaults + patchFaults + kernelFaults + machineFaults + runFaults + diskFaults
}
