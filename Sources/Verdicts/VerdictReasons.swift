// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol

/// The evidence for and against a series that booted, sorted by weight.
struct VerdictReasons {
  /// Results that got worse.
  private var worse: [Reason] = []
  /// Results that got worse, but only with an exporter that only the test driver has. They are listed separately and
  /// are not a regression.
  private var onlyOurs: [Reason] = []
  /// Gaps in the evidence that prevent a verdict.
  private var unknown: [Reason] = []
  /// Results that got better.
  private var better: [Reason] = []
  private let tests: [TestComparison]
  /// Whether the guest ended early. Its ending already explains the tests it lost.
  private let endedEarly: Bool
  /// Whether the machine died. Results from a dying machine are not evidence against the series.
  private let machineDied: Bool

  /// - Parameters:
  ///   - run: A run that booted, compared with a base that completed with nothing missing.
  ///   - cutShort: Why the run was stopped early; `nil` if it was not.
  ///   - change: The changes in the compiled code; `nil` if they were not examined.
  ///   - accepted: Changed lines that do not have to run.
  init(
    _ run: GuestRun, cutShort: CutShort? = nil, change: CodeChange?, accepted: [AcceptedLines] = [],
    tests: [TestComparison],
    reports: [ReportComparison]
  ) {
    self.tests = tests
    endedEarly = run.ending != .completed
    machineDied = if case .machineDied = run.ending { true } else { false }
    // It was ended for what follows.
    if cutShort == nil { takeEnding(of: run) }
    // One title may occur many times. The verdict needs it once, where it weighs most.
    var titles: Set<String> = []
    let new = reports.filter { !$0.onBase && $0.known == nil }
    let (ours, others) = (new.filter(\.isOnlyOurs), new.filter { !$0.isOnlyOurs })
    for entry in others + ours where titles.insert(entry.report.title).inserted {
      let place = entry.report.test.map { " in \($0)" } ?? ""
      hold(Reason(entry.report.title, "kernel report\(place) that the base does not have"), in: entry.report.test)
    }
    for test in tests { take(test) }
    if let failure = run.bootFailure {
      unknown.append(Reason("boots only sometimes: \(failure.words) the first time, and not the second"))
    }
    for anomaly in run.anomalies { unknown.append(Reason("the guest's evidence is unreliable: \(anomaly)")) }
    if cutShort != nil {
      let left = tests.count { $0.series == .missing }
      unknown.append(Reason("stopped at the first regression, as requested: \(left) tests did not run"))
      return
    }
    if !tests.contains(where: \.series.isAnswer) { unknown.append(Reason("no test gave a result")) }
    // Code that never ran was not tested, whatever the tests say.
    unknown +=
      change?.doubts(run.execution, accepted: accepted) ?? [
        Reason("it is unknown what the series changes in the compiled code")
      ]
  }

  var verdict: Verdict {
    if !worse.isEmpty { return .regresses }
    if !onlyOurs.isEmpty || !unknown.isEmpty { return .inconclusive }
    return better.isEmpty ? .clean : .fixes
  }

  var reasons: [Reason] {
    let all = worse + onlyOurs + unknown + better
    if !all.isEmpty { return all }
    let same = tests.count { $0.change == .same && $0.series.isAnswer }
    let new = tests.count { $0.change == .new }
    let different = tests.count { $0.change == .differs }
    // Here only those that are as unsteady on the base.
    let flaky = tests.count { $0.change == .flaky }
    let others = [(different, "differ by design"), (flaky, "flaky on both sides"), (new, "new")]
      .map { $0.0 == 0 ? "" : ", \($0.0) \($0.1)" }.joined()
    let words =
      if !others.isEmpty { "\(same) of \(same + different + flaky + new) results match the base" } else if same == 1 {
        "The one result matches the base"
      } else {
        "All \(same) results match the base"
      }
    return [Reason("\(words)\(others), no new kernel report")]
  }

  private mutating func takeEnding(of run: GuestRun) {
    switch run.ending {
    case .completed: break
    case .machineDied(let message):
      unknown.append(Reason("not the series' fault: the machine died \(run.whereabouts): \(message)"))
    case .flooded: unknown.append(Reason("the guest's evidence is unreliable: \(run.endingWords)"))
    case .panicked, .stoppedEarly, .silent, .bootDeadline, .runDeadline:
      worse.append(Reason("does not complete: \(run.endingWords)"))
    }
  }

  private mutating func take(_ test: TestComparison) {
    let detail = test.reason.isEmpty ? "" : " (\(test.reason))"
    let sides =
      test.wasTriedAgain
      ? test.tryWords : "\(test.base.rawValue) on base, \(test.series.rawValue) with the series"
    switch test.change {
    case .same, .differs: break
    case .flaky:
      // If the base is just as unsteady, the test says nothing about the series, and other tests decide.
      if !test.baseTries.isMixed { unknown.append(Reason(test.name, "flaky: \(sides)")) }
    case .fixed: better.append(Reason(test.name, sides))
    case .regressed where test.base == .notOk && test.series == .notOk:
      blame(Reason(test.name, "not-ok on both, but \(lostChecks(test))"), in: test.name)
    case .regressed where !test.isBad:
      blame(Reason(test.name, "what is left differs by design alone, but \(lostChecks(test))"), in: test.name)
    case .regressed: blame(Reason(test.name, sides + detail), in: test.name)
    case .new:
      if test.isBad {
        blame(Reason(test.name, "no result on base, \(test.series.rawValue) with the series\(detail)"), in: test.name)
      }
    case .missing:
      if endedEarly, test.series == .missing { break }
      unknown.append(Reason(test.name, "\(test.base.rawValue) on base, no result with the series\(detail)"))
    }
  }

  private mutating func blame(_ reason: Reason, in test: String?) {
    if machineDied { unknown.append(reason) } else { hold(reason, in: test) }
  }

  /// Counts something against the series, unless only the test driver provokes it.
  private mutating func hold(_ reason: Reason, in test: String?) {
    if let test, OnlyOurs.isAsked(by: test) {
      onlyOurs.append(Reason(reason.subject, "\(reason.text); \(OnlyOurs.words)"))
    } else {
      worse.append(reason)
    }
  }

  private func lostChecks(_ test: TestComparison) -> String {
    let lost = test.checks.filter { $0.base?.passed == true && $0.series?.passed != true && $0.design == nil }
    guard let first = lost.first else { return "worse" }
    let what = first.series.map { $0.detail.isEmpty ? "fails" : "fails: \($0.detail)" } ?? "is gone"
    let more = lost.count == 1 ? "" : " (and \(lost.count - 1) more)"
    return "the check \"\(first.name)\" passed before and now \(what)\(more)"
  }
}
