// SPDX-License-Identifier: Apache-2.0

/// What changed between two versions of a series, or between two rival series, as `git range-diff` shows it.
public struct RangeDiff: Codable, Sendable, Hashable {
  /// The names of the series.
  public var older: String
  public var newer: String
  /// What git printed; empty if there is no range-diff.
  public var lines: [String]
  /// Why there is none, or only a part of it.
  public var remark: String?

  public init(older: String, newer: String, lines: [String] = [], remark: String? = nil) {
    self.older = older
    self.newer = newer
    self.lines = lines
    self.remark = remark
  }
}
