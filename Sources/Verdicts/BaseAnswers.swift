// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// What the base says, for those who want to know of a single answer whether it is worse.
///
/// The rules are ``judge(_:)``'s own, one answer at a time.
public struct BaseAnswers: Sendable {
  private let tests: [String: TestResult]
  private let titles: Set<String>
  private let known: [KnownReport]

  /// - Parameters:
  ///   - base: a run that came to its end.
  ///   - known: kernel reports that are not held against anybody, of which none has expired.
  public init(_ base: GuestRun, known: [KnownReport]) {
    tests = Dictionary(base.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    titles = Set(base.reports.map(\.title))
    self.known = known
  }

  /// Whether a test got worse than it is on the base.
  public func isWorse(_ result: TestResult) -> Bool {
    switch change(base: tests[result.name], series: result) {
    case .regressed: true
    case .new: result.status.isBad
    case .same, .fixed, .flaky, .missing: false
    }
  }

  /// Why, in words: `not-ok: 3 of 4 pages differ`.
  public func words(_ result: TestResult) -> String {
    let detail = result.words
    let before = tests[result.name].map { "\($0.status.rawValue) on base, " } ?? ""
    return "\(before)\(result.status.rawValue)\(detail.isEmpty ? "" : " (\(detail))")"
  }

  /// Whether the kernel reports something that it does not on the base.
  public func isNew(_ report: KernelReport) -> Bool {
    !titles.contains(report.title) && !known.contains { $0.report.matches(report.title) }
  }
}
