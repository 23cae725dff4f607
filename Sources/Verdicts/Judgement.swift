// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// One test on both sides.
public struct TestComparison: Codable, Sendable, Hashable {
  /// The test's name.
  public var name: String
  /// How it ended on the base; `missing` also where the base's plan does not have it.
  public var base: TestStatus
  /// How it ended with the series; `missing` also where the series' plan does not have it.
  public var series: TestStatus
  /// What became of it.
  public var change: Change
  /// Why the base's side ended as it did, in words; empty for a plain `ok`.
  public var baseReason: String
  /// Why the series' side ended as it did, in words; empty for a plain `ok`.
  public var reason: String
  /// How often it was tried on the base, and how often it was `ok`; only tries that answered.
  public var baseTries: Tries
  /// The same with the series.
  public var seriesTries: Tries
  /// The checks of both sides: the base's in its order, then those that only the series has.
  public var checks: [CheckComparison]

  /// Whether either side was tried more than once.
  public var wasTriedAgain: Bool { baseTries.of > 1 || seriesTries.of > 1 }
}

/// One check on both sides; `nil` where that side does not have it.
public struct CheckComparison: Codable, Sendable, Hashable {
  /// The check's name, unique in its test.
  public var name: String
  /// What it saw on the base.
  public var base: Check?
  /// What it saw with the series.
  public var series: Check?
}

/// A kernel report of the series, and whether the base has one of the same title.
public struct ReportComparison: Codable, Sendable, Hashable {
  /// The report.
  public var report: KernelReport
  /// The base has a report of this title, so that the series is not to blame for it.
  public var onBase: Bool
  /// Why it is not held against the series though the base does not have it; `nil` if it is.
  public var known: KnownReport?
}

/// One line of a verdict's grounds.
public struct Reason: Codable, Sendable, Hashable, CustomStringConvertible {
  /// What the line is about, if that has a name: a test, a kernel report's title, a patch's file.
  public var subject: String?
  /// The rest of the line.
  public var text: String

  /// A reason about something that has a name.
  public init(_ subject: String?, _ text: String) {
    self.subject = subject
    self.text = text
  }

  /// A reason about the trial as a whole.
  public init(_ text: String) { self.init(nil, text) }

  /// `invalidate/virtio_gpu-to-vgem/unbind: not-ok on base, ok with the series`
  public var description: String { subject.map { "\($0): \(text)" } ?? text }
}

/// The verdict on one series, with what led to it.
public struct Judgement: Sendable, Hashable {
  /// The series that was judged.
  public var series: PatchSeries
  /// The verdict.
  public var verdict: Verdict
  /// The grounds, the weightiest first; at least one.
  public var reasons: [Reason]
  /// The furthest stage that was reached.
  public var stage: Stage
  /// `nil` if the run ended before this series had its turn.
  public var trial: Trial?
  /// Every test of either side: the base's in the order of its plan, then those that only the series has.
  public var tests: [TestComparison]
  /// The kernel's reports with the series, in the order they were found.
  public var reports: [ReportComparison]

  /// How many tests changed in this way.
  public func count(of change: Change) -> Int { tests.count { $0.change == change } }

  /// How many kernel reports the base does not have.
  public var newReports: Int { reports.count { !$0.onBase && $0.known == nil } }
}
