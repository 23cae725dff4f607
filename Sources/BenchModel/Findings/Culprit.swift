// SPDX-License-Identifier: Apache-2.0

/// The patch of a series that makes a group of tests worse than on the base.
public struct Culprit: Codable, Sendable, Hashable {
  /// The number of the first patch with which the test is worse, from 1.
  public var number: Int
  /// The number of the last patch with which it is not; 0 is the base. If it is not the one before, the patches between
  /// give no answer.
  public var lastGood: Int
  /// The test that was run with some of the patches.
  public var test: String
  /// How many other tests fail in the same way with the whole series.
  public var alike: Int

  public init(number: Int, lastGood: Int, test: String, alike: Int) {
    self.number = number
    self.lastGood = lastGood
    self.test = test
    self.alike = alike
  }
}
