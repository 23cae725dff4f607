// SPDX-License-Identifier: Apache-2.0

/// The results of a run of mutants, for the table and for JSON.
public struct MutantReport: Codable, Sendable, Hashable {
  /// Raised when a field is removed or changes its meaning.
  public static let format = 1

  public var format = Self.format
  public var kernel: String
  public var profile: String
  /// The origin of the kernel's source: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  public var source: String
  public var seed: UInt64
  /// The number of mutants to draw from.
  public var candidates: Int
  /// The series whose lines were mutated; `nil` if the base's functions were.
  public var series: String?
  /// The number of tests that were available; `nil` for the whole suite.
  public var tests: Int?
  /// Listed functions that this kernel does not have.
  public var absent: [String]
  public var score: MutantScore
  public var ofValid: Share?
  public var ofReached: Share?
  public var byFunction: [String: MutantScore]
  public var byOperator: [String: MutantScore]
  /// All mutants, by file and line.
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

  /// The mutants with one fate, without those argued to be equivalent.
  public func mutants(_ fate: MutantFate) -> [JudgedMutant] { mutants.filter { $0.fate == fate && !$0.isArgued } }
  public var argued: [JudgedMutant] { mutants.filter(\.isArgued) }
}
