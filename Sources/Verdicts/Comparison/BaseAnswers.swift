// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// The base's answers, for judging a single answer at a time.
///
/// The rules are those of ``judge(_:)``.
public struct BaseAnswers: Sendable {
  private let tests: [String: TestResult]
  private let titles: Set<String>
  private let known: [KnownReport]
  private let isStrict: Bool

  /// - Parameters:
  ///   - base: a run that completed.
  ///   - again: kernel reports of the base's further guests.
  ///   - known: kernel reports that do not count against a series; none has expired.
  ///   - isStrict: whether what only the test driver provokes, and what only differs by design, is worse, too.
  public init(_ base: GuestRun, again: [KernelReport] = [], known: [KnownReport], isStrict: Bool) {
    self.isStrict = isStrict
    tests = Dictionary(base.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    titles = Set((base.reports + again).map(\.title))
    self.known = known
  }

  /// Returns whether a test is worse than on the base.
  public func isWorse(_ result: TestResult) -> Bool {
    if !isStrict, OnlyOurs.isAsked(by: result.name) { return false }
    return switch change(base: tests[result.name], series: result) {
    case .regressed: true
    case .differs: isStrict
    case .new: isStrict ? result.status.isBad : result.musts.isBad
    case .same, .fixed, .flaky, .missing: false
    }
  }

  /// Returns the tests in which the guest died, or the kernel reported something new. They need not have failed
  /// themselves. A console may name any test; only those of the plan are returned.
  public func struck(in run: GuestRun) -> Set<String> {
    Set(run.deaths.map(\.test) + run.reports.filter(isNew).compactMap(\.test)).intersection(run.tests.map(\.name))
  }

  /// Returns the reason in words: `not-ok: 3 of 4 pages differ`.
  public func words(_ result: TestResult) -> String {
    let detail = result.words
    let before = tests[result.name].map { "\($0.status.rawValue) on base, " } ?? ""
    return "\(before)\(result.status.rawValue)\(detail.isEmpty ? "" : " (\(detail))")"
  }

  /// Returns whether the base does not have this kernel report.
  public func isNew(_ report: KernelReport) -> Bool {
    if !isStrict, let test = report.test, OnlyOurs.isAsked(by: test) { return false }
    return !titles.contains(report.title) && !known.contains { $0.report.matches(report.title) }
  }
}
