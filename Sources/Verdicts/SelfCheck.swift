// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// What a run of series whose answers are known says of patchbench itself: what it sees, what it misses, and where it
/// cries out for nothing.
public struct SelfCheck: Codable, Sendable, Hashable {
  /// What came of one series.
  public enum Outcome: String, Codable, Sendable, Hashable, CaseIterable {
    /// A fault, seen by a witness that was named for it.
    case caught
    /// A fault that made the series come out as worse, but not by a named witness: by luck, as far as anybody knows.
    case caughtByOthers = "caught-by-others"
    /// A fault that came out as no worse than the base.
    case missed
    /// A right series that came out as `clean`.
    case clean
    /// A right series that came out as anything else.
    case falseAlarm = "false-alarm"
    /// The evidence carried no verdict.
    case undecided
  }

  public struct Row: Codable, Sendable, Hashable {
    public var series: String
    /// What kind of fault it is, in words.
    public var fault: String
    public var outcome: Outcome
    public var verdict: Verdict
    /// The named tests and reports that showed it, tests first.
    public var witnesses: [String]
    /// How many other tests and reports got worse.
    public var others: Int
    /// The verdict's weightiest reason.
    public var reason: String
  }

  /// Silent tests with one reason to stay.
  public struct Explained: Codable, Sendable, Hashable {
    public var reason: SilenceReason
    public var tests: [String]
  }

  public var rows: [Row]
  /// Tests that answered on the base and that no fault made worse, in the order of the plan. What nothing can fail
  /// proves nothing.
  public var silentTests: [String]
  /// Why some of them stay, each of them once.
  public var explained: [Explained]
  /// Those that fail on this kernel without any series, so that no fault can make them.
  public var failingOnBase: [String]
  /// Those of which nobody says why they stay.
  public var suspects: [String]
  /// How many tests the base's plan has.
  public var tests: Int

  /// Whether every fault was caught by what was named for it, and no right series was accused.
  public var passed: Bool { !rows.isEmpty && rows.allSatisfy { $0.outcome == .caught || $0.outcome == .clean } }

  public func count(of outcome: Outcome) -> Int { rows.count { $0.outcome == outcome } }

  /// - Parameters:
  ///   - judgements: of the run that tried the series.
  ///   - expectations: what must become of each; a judgement without one is passed over.
  ///   - reasons: why tests stay that no fault makes fail; the first that fits a test is its reason.
  public init(_ judgements: [Judgement], _ expectations: [Expectation], silence reasons: [SilenceReason] = []) {
    rows = []
    var known: [String] = []
    var seen: Set<String> = []
    var effective: Set<String> = []
    var failing: Set<String> = []
    for judgement in judgements {
      for test in judgement.tests where test.base.isAnswer && seen.insert(test.name).inserted {
        known.append(test.name)
        if test.base.isBad { failing.insert(test.name) }
      }
      guard let expectation = expectations.first(where: { $0.series == judgement.series.name }) else { continue }
      let worse = Worse(judgement)
      if case .caught = expectation.answer { effective.formUnion(worse.tests) }
      rows.append(Self.row(judgement, worse, expectation))
    }
    tests = known.count
    silentTests = known.filter { !effective.contains($0) }
    failingOnBase = silentTests.filter(failing.contains)
    var left = silentTests.filter { !failing.contains($0) }
    explained = reasons.compactMap { reason in
      let tests = left.filter { NamePattern(reason.test).matches($0) }
      left.removeAll { tests.contains($0) }
      return tests.isEmpty ? nil : Explained(reason: reason, tests: tests)
    }
    suspects = left
  }

  /// What got worse with a series.
  private struct Worse {
    var tests: [String]
    var reports: [String]

    init(_ judgement: Judgement) {
      tests = judgement.tests.filter { $0.change == .regressed || ($0.change == .new && $0.series.isBad) }.map(\.name)
      // A test that the guest does not live through has seen the fault as well as any can.
      if case .ran(let run) = judgement.trial?.result {
        for death in run.deaths where !tests.contains(death.test) { tests.append(death.test) }
      }
      var titles: [String] = []
      for entry in judgement.reports where !entry.onBase && entry.known == nil && !titles.contains(entry.report.title) {
        titles.append(entry.report.title)
      }
      reports = titles
    }

    /// Those that some witness names.
    func named(by witnesses: [Witness]) -> [String] {
      let tests = tests.filter { name in
        witnesses.contains { if case .test(let pattern) = $0 { NamePattern(pattern).matches(name) } else { false } }
      }
      let reports = reports.filter { title in
        witnesses.contains { if case .report(let pattern) = $0 { NamePattern(pattern).matches(title) } else { false } }
      }
      return tests + reports
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
    }
    return Row(
      series: expectation.series, fault: expectation.fault, outcome: outcome, verdict: judgement.verdict,
      witnesses: named, others: worse.tests.count + worse.reports.count - named.count,
      reason: judgement.reasons.first?.description ?? "")
  }
}
