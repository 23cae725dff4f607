public import BenchModel
public import GuestProtocol

/// One test on both sides.
public struct TestComparison: Codable, Sendable, Hashable {
  public var name: String
  public var base: TestStatus
  public var series: TestStatus
  public var change: Change
  /// Why the series' side ended as it did, in words; empty for a plain `ok`.
  public var reason: String
  public var checks: [CheckComparison]
}

/// One check on both sides; `nil` where that side does not have it.
public struct CheckComparison: Codable, Sendable, Hashable {
  public var name: String
  public var base: Check?
  public var series: Check?
}

/// A kernel report of the series, and whether the base has one of the same title.
public struct ReportComparison: Codable, Sendable, Hashable {
  public var report: KernelReport
  public var onBase: Bool
}

/// The verdict on one series, with what led to it.
public struct Judgement: Sendable, Hashable {
  public var series: PatchSeries
  public var verdict: Verdict
  /// The reasons in plain words, the weightiest first; at least one.
  public var reasons: [String]
  /// The furthest stage that was reached.
  public var stage: Stage
  /// `nil` if the run ended before this series had its turn.
  public var trial: Trial?
  public var tests: [TestComparison]
  public var reports: [ReportComparison]
}
