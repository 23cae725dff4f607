// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// What a run of series with known answers shows about patchbench itself: what it catches, what it misses, and its
/// false alarms.
public struct SelfCheck: Codable, Sendable, Hashable {
  /// The outcome of one series.
  public enum Outcome: String, Codable, Sendable, Hashable, CaseIterable {
    /// A fault that was detected by a witness named for it.
    case caught
    /// A fault that made the series worse, but not by a named witness: by luck, as far as is known.
    case caughtByOthers = "caught-by-others"
    /// A fault whose verdict is no worse than the base, or a difference by design that is not told.
    case missed
    /// A difference by design that is told as one, in a test named for it, and nothing is worse.
    case told
    /// A harmless series with the verdict `clean`.
    case clean
    /// A harmless series with any other verdict.
    case falseAlarm = "false-alarm"
    /// The evidence did not support a verdict.
    case undecided

    /// Whether it is what was expected.
    public var isPassed: Bool {
      switch self {
      case .caught, .told, .clean: true
      case .caughtByOthers, .missed, .falseAlarm, .undecided: false
      }
    }
  }

  /// One series.
  public struct Row: Codable, Sendable, Hashable {
    public var series: String
    /// The kind of fault, in words.
    public var fault: String
    public var outcome: Outcome
    public var verdict: Verdict
    /// The named tests and reports that detected it, tests first.
    public var witnesses: [String]
    /// The number of other tests and reports that got worse.
    public var others: Int
    /// The verdict's weightiest reason.
    public var reason: String
  }

  /// Silent tests that are kept for the same reason.
  public struct Explained: Codable, Sendable, Hashable {
    public var reason: SilenceReason
    public var tests: [String]
  }

  public var rows: [Row]
  /// Whether all tests ran with each fault, and not only until it was caught. Otherwise nothing is known of silent tests.
  public var isWhole: Bool
  /// Tests that gave an answer on the base and that no fault made worse, in the order of the plan. A test that nothing
  /// can fail proves nothing.
  public var silentTests: [String]
  /// The reasons for keeping some of them, each test once.
  public var explained: [Explained]
  /// Tests that fail on this kernel without any series, so no fault can make them fail.
  public var failingOnBase: [String]
  /// Tests that are kept without a reason.
  public var suspects: [String]
  /// The number of tests in the base's plan.
  public var tests: Int
  /// Of the faults that a guest detected: how many seconds after its first line a result was first worse, as the median;
  /// `nil` if that is not known of any.
  public var firstNews: Double?

  /// Whether every fault was caught by a named witness, and there was no false alarm.
  public var passed: Bool { !rows.isEmpty && rows.allSatisfy { $0.outcome.isPassed } }

  public func count(of outcome: Outcome) -> Int { rows.count { $0.outcome == outcome } }

  /// - Parameters:
  ///   - judgements: the judgements of the run that tried the series.
  ///   - expectations: the required outcome of each; a judgement without one is skipped.
  ///   - reasons: why tests are kept that no fault makes fail; the first one that matches a test applies.
  public init(_ judgements: [Judgement], _ expectations: [Expectation], silence reasons: [SilenceReason] = []) {
    rows = []
    isWhole = !judgements.contains { $0.trial?.cutShort != nil }
    var known: [String] = []
    var seen: Set<String> = []
    var effective: Set<String> = []
    var failing: Set<String> = []
    var news: [Double] = []
    for judgement in judgements {
      for test in judgement.tests where test.base.isAnswer && seen.insert(test.name).inserted {
        known.append(test.name)
        if test.base.isBad { failing.insert(test.name) }
      }
      guard let expectation = expectations.first(where: { $0.series == judgement.series.name }) else { continue }
      let worse = Worse(judgement)
      if expectation.answer != .clean {
        effective.formUnion(worse.tests + judgement.tests.filter { $0.change == .differs }.map(\.name))
        if let seconds = judgement.trial?.firstNews { news.append(seconds) }
      }
      rows.append(Self.row(judgement, worse, expectation))
    }
    tests = known.count
    firstNews = news.isEmpty ? nil : news.sorted()[news.count / 2]
    silentTests = isWhole ? known.filter { !effective.contains($0) } : []
    failingOnBase = silentTests.filter(failing.contains)
    var left = silentTests.filter { !failing.contains($0) }
    explained = reasons.compactMap { reason in
      let tests = left.filter { NamePattern(reason.test).matches($0) }
      left.removeAll { tests.contains($0) }
      return tests.isEmpty ? nil : Explained(reason: reason, tests: tests)
    }
    suspects = left
  }

  /// The tests and reports that got worse with a series.
  private struct Worse {
    var tests: [String]
    var reports: [String]

    init(_ judgement: Judgement) {
      tests = judgement.tests.filter(\.isWorse).map(\.name)
      // A test during which the guest dies has detected the fault as well as any test can.
      if case .ran(let run) = judgement.trial?.result {
        for death in run.deaths where !tests.contains(death.test) { tests.append(death.test) }
      }
      var titles: [String] = []
      for entry in judgement.reports where !entry.onBase && entry.known == nil && !titles.contains(entry.report.title) {
        titles.append(entry.report.title)
      }
      reports = titles
    }

    /// Returns those that a witness names.
    func named(by witnesses: [Witness]) -> [String] {
      tests.filter { name in witnesses.contains { $0.names(test: name) } }
        + reports.filter { title in witnesses.contains { $0.names(report: title) } }
    }
  }

  private static func row(_ judgement: Judgement, _ worse: Worse, _ expectation: Expectation) -> Row {
    var named: [String] = []
    let outcome: Outcome
    switch expectation.answer {
    case .clean:
      outcome =
        switch judgement.verdict {
        case .clean: .clean
        case .inconclusive: .undecided
        default: .falseAlarm
        }
    case .caught(let witnesses):
      named = worse.named(by: witnesses)
      if judgement.verdict == .inconclusive {
        outcome = .undecided
      } else if !judgement.verdict.isWorse {
        outcome = .missed
      } else {
        outcome = named.isEmpty ? .caughtByOthers : .caught
      }
    case .told(let patterns):
      let differing = judgement.tests.filter { $0.change == .differs }.map(\.name)
      named = differing.filter { name in patterns.contains { NamePattern($0).matches(name) } }
      if judgement.verdict == .inconclusive {
        outcome = .undecided
      } else if judgement.verdict.isWorse {
        outcome = .caughtByOthers
      } else {
        outcome = named.isEmpty ? .missed : .told
      }
    }
    return Row(
      series: expectation.series, fault: expectation.fault, outcome: outcome, verdict: judgement.verdict,
      witnesses: named, others: (worse.tests + worse.reports).count { !named.contains($0) },
      reason: judgement.reasons.first?.description ?? "")
  }
}
