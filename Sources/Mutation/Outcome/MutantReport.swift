// SPDX-License-Identifier: Apache-2.0

/// What a run of mutants comes to: for the table and for JSON.
public struct MutantReport: Codable, Sendable, Hashable {
  /// Raised when a field changes its meaning or goes.
  public static let format = 1

  public var format = Self.format
  public var kernel: String
  public var profile: String
  /// Where the kernel's source comes from: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  public var source: String
  public var seed: UInt64
  /// How many mutants there were to draw from.
  public var candidates: Int
  /// The series whose lines were mutated; `nil` if it was the base's functions.
  public var series: String?
  /// How many tests could have been asked; `nil` if it was the whole suite.
  public var tests: Int?
  /// Functions of the list that this kernel does not have.
  public var absent: [String]
  public var score: MutantScore
  public var ofValid: Share?
  public var ofReached: Share?
  public var byFunction: [String: MutantScore]
  public var byOperator: [String: MutantScore]
  /// All of them, by file and line.
  public var mutants: [JudgedMutant]
  public var interrupted: Bool

  /// How the mutants were chosen, and who was to notice them.
  public struct Draw: Sendable, Hashable {
    var seed: UInt64
    var candidates: Int
    var series: String?
    var tests: Int?
    var absent: [String]

    /// Each as the field of ``MutantReport`` of that name.
    public init(
      seed: UInt64, candidates: Int, series: String? = nil, tests: Int? = nil, absent: [String] = []
    ) {
      self.seed = seed
      self.candidates = candidates
      self.series = series
      self.tests = tests
      self.absent = absent
    }
  }

  public init(
    of kernel: (name: String, profile: String, source: String), drawn: Draw, mutants: [JudgedMutant],
    interrupted: Bool
  ) {
    self.kernel = kernel.name
    profile = kernel.profile
    source = kernel.source
    seed = drawn.seed
    candidates = drawn.candidates
    series = drawn.series
    tests = drawn.tests
    absent = drawn.absent
    self.mutants = mutants.sorted {
      ($0.mutant.file, $0.mutant.line, $0.mutant.id) < ($1.mutant.file, $1.mutant.line, $1.mutant.id)
    }
    self.interrupted = interrupted
    score = MutantScore(mutants)
    ofValid = score.ofValid
    ofReached = score.ofReached
    byFunction = Dictionary(grouping: mutants, by: { "\($0.mutant.file):\($0.mutant.function)" }).mapValues {
      MutantScore($0)
    }
    byOperator = Dictionary(grouping: mutants, by: \.mutant.operator.rawValue).mapValues { MutantScore($0) }
  }

  /// Those of one fate, without those that are argued to be equivalent.
  public func mutants(_ fate: MutantFate) -> [JudgedMutant] { mutants.filter { $0.fate == fate && !$0.isArgued } }
  public var argued: [JudgedMutant] { mutants.filter(\.isArgued) }
}
