// SPDX-License-Identifier: Apache-2.0

/// How often guests are started anew to see whether a result holds.
public struct RetryPolicy: Codable, Sendable, Hashable {
  /// How often a test is tried again, on both sides, whose result differs.
  public var retries: Int
  /// How often the base and each series run all tests; more than once judges them again, though results were kept.
  public var repeats: Int

  public init(retries: Int, repeats: Int) {
    self.retries = retries
    self.repeats = repeats
  }

  /// What every command takes that the user gives nothing else.
  public static let standard = RetryPolicy(retries: 3, repeats: 1)

  /// Of a series that breaks everything some tests are enough to show that it does.
  static let mostRetried = 8
  /// How many more chances a test gets that gave no answer and does on the base.
  static let chances = 2
}
