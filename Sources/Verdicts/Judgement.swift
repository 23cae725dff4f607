// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// One test on both sides.
public struct TestComparison: Codable, Sendable, Hashable {
  /// The test's name.
  public var name: String
  /// How it ended on the base; also `missing` if the base's plan does not contain it.
  public var base: TestStatus
  /// How it ended with the series; also `missing` if the series' plan does not contain it.
  public var series: TestStatus
  /// The change between the two.
  public var change: Change
  /// Why it ended this way on the base, in words; empty for a plain `ok`.
  public var baseReason: String
  /// Why it ended this way with the series, in words; empty for a plain `ok`.
  public var reason: String
  /// The tries on the base that gave an answer, and how many were `ok`.
  public var baseTries: Tries
  /// The same for the series.
  public var seriesTries: Tries
  /// The checks of both sides: the base's in order, then those that only the series has.
  public var checks: [CheckComparison]

  /// Whether either side was tried more than once.
  public var wasTriedAgain: Bool { baseTries.of > 1 || seriesTries.of > 1 }

  /// Whether it counts against the series.
  public var isWorse: Bool { change == .regressed || change == .new && isBad }

  /// Whether it fails with the series by more than an answer to a question of design.
  var isBad: Bool { TestResult(name: name, status: series, checks: checks.compactMap(\.series)).musts.isBad }

  /// The checks that must hold, held on the base, and fail with the series; those that are gone, if none fails.
  public var newlyFailed: [CheckComparison] {
    let worse = checks.filter { $0.base?.passed != false && $0.design == nil }
    let fails = worse.filter { $0.series?.passed == false }
    return fails.isEmpty ? worse.filter { $0.series == nil } : fails
  }

  /// `passes 4/4 on base, 0/4 with the series`
  public var tryWords: String { "passes \(baseTries.words) on base, \(seriesTries.words) with the series" }

  /// The checks by which the series differs from the base by design, whatever else the test shows.
  public var differences: [CheckComparison] { checks.filter(\.isDifferentByDesign) }
}

/// One check on both sides; `nil` where that side does not have it.
public struct CheckComparison: Codable, Sendable, Hashable {
  /// The check's name, unique in its test.
  public var name: String
  /// Its result on the base.
  public var base: Check?
  /// Its result with the series.
  public var series: Check?

  /// What of today's design it asks for; `nil` if it must hold.
  public var design: Design? { base?.design ?? series?.design }

  /// Whether it passed on both sides.
  public var isHeld: Bool { base?.passed == true && series?.passed == true }

  /// Whether it asks for today's design and has another answer than on the base.
  var isDifferentByDesign: Bool {
    design != nil && series != nil && base?.passed != series?.passed
  }
}

/// A kernel report of the series, and whether the base has one with the same title.
public struct ReportComparison: Codable, Sendable, Hashable {
  /// The report.
  public var report: KernelReport
  /// Whether the base has a report with this title, so that the series is not to blame.
  public var onBase: Bool
  /// Why it does not count against the series although the base does not have it; `nil` if it counts.
  public var known: KnownReport?
}

/// One of the reasons for a verdict.
public struct Reason: Codable, Sendable, Hashable, CustomStringConvertible {
  /// The name of its subject, if there is one: a test, a kernel report's title, a patch's file.
  public var subject: String?
  /// The rest of the line.
  public var text: String

  /// Creates a reason about a named subject.
  public init(_ subject: String?, _ text: String) {
    self.subject = subject
    self.text = text
  }

  /// Creates a reason about the trial as a whole.
  public init(_ text: String) { self.init(nil, text) }

  /// `invalidate/virtio_gpu-to-vgem/unbind: not-ok on base, ok with the series`
  public var description: String { subject.map { "\($0): \(text)" } ?? text }
}

/// The verdict on one series and the facts behind it.
public struct Judgement: Sendable, Hashable {
  /// The series that was judged.
  public var series: PatchSeries
  /// The verdict.
  public var verdict: Verdict
  /// The reasons, the weightiest first; at least one.
  public var reasons: [Reason]
  /// The furthest stage that was reached.
  public var stage: Stage
  /// `nil` if the run ended before this series started.
  public var trial: Trial?
  /// Every test of either side: the base's in the order of its plan, then those that only the series has.
  public var tests: [TestComparison]
  /// The kernel's reports with the series, in order.
  public var reports: [ReportComparison]

  /// Returns the number of tests with this change.
  public func count(of change: Change) -> Int { tests.count { $0.change == change } }

  /// The number of kernel reports that the base does not have.
  public var newReports: Int { reports.count { !$0.onBase && $0.known == nil } }
}
