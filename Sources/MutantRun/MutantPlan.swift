// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Mutation
public import SystemPackage
import Toolbox

/// The plan of a mutant run. The run's directory keeps it next to the run's own plan.
public struct MutantPlan: Codable, Sendable, Hashable {
  /// Raised when a field is removed or changes its meaning.
  public static let format = 2

  public var format = Self.format
  public var kernel: String
  public var profile: String
  public var seed: UInt64
  /// The number of mutants to draw from.
  public var candidates: Int
  /// Listed functions that this kernel does not have.
  public var absent: [String]
  /// The drawn mutants, in order. Each one's id is the name of its series.
  public var mutants: [Mutant]
  /// The ids of the drawn mutants that are not tried because they are argued to be equivalent.
  public var argued: [String]
  /// The series whose lines are mutated, as the user named it; `nil` if the base's functions are mutated.
  public var series: String?

  private static func file(_ directory: FilePath) -> FilePath { directory.appending("mutants.json") }

  /// - Returns: `nil` if there is no plan, or one with another format.
  public init?(in directory: FilePath) {
    guard let data = FileManager.default.contents(atPath: Self.file(directory).string),
      let plan = try? JSONDecoder().decode(Self.self, from: data), plan.format == Self.format
    else { return nil }
    self = plan
  }

  init(
    kernel: String, profile: String, seed: UInt64, candidates: Int, absent: [String], mutants: [Mutant],
    argued: [String],
    series: String?
  ) {
    self.kernel = kernel
    self.profile = profile
    self.seed = seed
    self.candidates = candidates
    self.absent = absent
    self.mutants = mutants
    self.argued = argued
    self.series = series
  }

  func write(in directory: FilePath) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(try encoder.encode(self) + [0x0a], to: Self.file(directory))
  }
}
