// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import SystemPackage

/// A series with its patches as bare diffs, ready for `git apply`.
public struct ReadSeries: Sendable, Hashable {
  public var series: PatchSeries
  /// One diff per patch of `series`, as absolute paths.
  public var diffs: [FilePath]
  /// Why the series is not tried, if it could not be read. It then has no diffs, and its first file stands in for a
  /// patch.
  public var refusal: String?
  /// Of its mails.
  var messageIDs: Set<String> = []
  /// Other series in the same mails or the same archive, which may be what this one stands on. They are only looked at
  /// for a series that names prerequisites.
  var others: [ReadSeries] = []

  public init(series: PatchSeries, diffs: [FilePath], refusal: String? = nil) {
    self.series = series
    self.diffs = diffs
    self.refusal = refusal
  }
}

extension ReadSeries {
  /// The name of the file with a patch's diff; patches are numbered from 1: `0001.diff`.
  public static func diffName(_ number: Int) -> String { "\(paddedNumber(number)).diff" }
}

/// Four digits, or more if needed.
func paddedNumber(_ number: Int) -> String {
  String(repeating: "0", count: max(0, 4 - "\(number)".count)) + "\(number)"
}
