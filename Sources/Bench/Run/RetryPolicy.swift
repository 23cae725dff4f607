// SPDX-License-Identifier: Apache-2.0

/// How often tests are rerun in fresh guests to see whether a result holds.
public struct RetryPolicy: Codable, Sendable, Hashable {
  /// How often a test whose result differs is rerun, on both sides.
  public var retries: Int
  /// How often the base and each series run all tests. More than once ignores cached results.
  public var repeats: Int

  public init(retries: Int, repeats: Int) {
    self.retries = retries
    self.repeats = repeats
  }

  /// The default of every command.
  public static let standard = RetryPolicy(retries: 3, repeats: 1)

  /// How many tests are rerun at most. If a series breaks everything, a few tests are enough to show it.
  static let mostRetried = 8
  /// How many more chances a test gets if it gave no answer but gives one on the base.
  static let chances = 2
}
