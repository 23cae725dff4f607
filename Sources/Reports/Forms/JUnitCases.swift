// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// The testcases of one series in one cell: its verdict, its tests, its kernel reports.
///
/// A `failure` is held against the series, an `error` against nobody: the harness failed, or nobody can tell. What fails
/// on the base as well is `skipped`, with the words, so that a build that is as red as its base is not red.
struct JUnitCases {
  private let entry: ToldRuns.Entry

  init(_ entry: ToldRuns.Entry) { self.entry = entry }

  var all: [JUnitCase] { [verdict] + judgement.tests.map(test) + ReportGroup.groups(judgement.reports).map(report) }

  private var judgement: Judgement { entry.judgement }

  private var verdict: JUnitCase {
    let reasons = judgement.reasons.map(\.description)
    let word = judgement.verdict.rawValue
    let message = "\(word): \(entry.causes.first?.sentence ?? reasons.first ?? "")"
    // The message says the first of them, if there is no cause.
    let more = entry.causes.isEmpty ? Array(reasons.dropFirst()) : reasons
    let outcome: JUnitCase.Outcome =
      if judgement.verdict.isWorse {
        .failure(word, message, more)
      } else if judgement.verdict != .inconclusive {
        .passed
      } else if entry.isAnsweredElsewhere {
        .skipped("not all of its code is compiled in this cell; all of it ran in another cell of this kernel")
      } else {
        .error(word, message, more)
      }
    return JUnitCase(
      answer: "verdict", seconds: judgement.trial?.seconds.known.total, outcome, output: remarks(reasons))
  }

  /// What is worth knowing besides the verdict.
  private func remarks(_ reasons: [String]) -> [String] {
    var lines = judgement.verdict == .clean || judgement.verdict == .fixes ? reasons : []
    lines += judgement.differences.map { design, tests in
      "different by design: \(design.question) \(Words.counted(tests.count, "test")), such as \(tests[0].name)"
    }
    lines += Bisection(judgement)?.findings ?? []
    lines += (judgement.trial?.warnings ?? []).map { warning in
      "new warning: \(Words.place(of: warning).map { "\($0): " } ?? "")\(Words.message(of: warning))"
    }
    return lines
  }

  private func test(_ test: TestComparison) -> JUnitCase {
    JUnitCase(
      name: test.name, seconds: judgement.trial?.run?.seconds?[test.name], outcome: outcome(test),
      output: test.isNotable ? output(test) : [])
  }

  private func outcome(_ test: TestComparison) -> JUnitCase.Outcome {
    let words = Words.sides(test) + (test.reason.isEmpty ? "" : " (\(test.reason))")
    if test.isWorse {
      let checks = test.newlyFailed.compactMap(\.series).map(Self.line)
      return entry.isProven(test: test.name)
        ? .failure("regression", words, checks)
        : .error("unproven", "looks worse, but is not held against the series: \(words)", checks)
    }
    switch test.change {
    case .flaky:
      // If the base is as unsteady, it says nothing about the series, and the verdict rests on other tests.
      return test.baseTries.isMixed ? .skipped("flaky on the base as well: \(words)") : .error("flaky", words, [])
    case .missing:
      guard entry.endedEarly, test.series == .missing else { return .error("missing", words, []) }
      return .skipped(
        judgement.trial?.cutShort == nil
          ? "no result: the guest ended before it" : "not run: stopped at the first regression, as requested")
    case .fixed, .differs: return .passed
    case .same, .new, .regressed:
      switch test.series {
      case .ok: return .passed
      case .skip: return .skipped(test.reason.isEmpty ? "skipped" : test.reason)
      case .missing: return .skipped("no result on either side")
      // What is left of a new test differs by design alone.
      case .notOk where test.change == .new: return .passed
      case .notOk, .crash, .timeout: return .skipped("fails on the base as well: \(words)")
      }
    }
  }

  /// The failed checks, and what the kernel said.
  private func output(_ test: TestComparison) -> [String] {
    let checks = test.notableChecks.flatMap { check in
      [("base", check.base), ("series", check.series)].compactMap { side, result in
        result.map { "\(side): \(Self.line($0))" }
      }
    }
    let log = judgement.trial?.run?.logs?[test.name] ?? []
    return checks.isEmpty && log.isEmpty ? [] : ["\(test.change.rawValue): \(Words.sides(test))"] + checks + log
  }

  private static func line(_ check: Check) -> String {
    "\(check.passed ? "ok" : "not ok") \(check.name)\(check.detail.isEmpty ? "" : ": \(check.detail)")"
  }

  private func report(_ group: ReportGroup) -> JUnitCase {
    let words = "\(group.first.title) (\(group.words))"
    let outcome: JUnitCase.Outcome =
      if !group.counts {
        .skipped(group.onBase ? "on the base as well: \(words)" : words)
      } else if entry.isProven(report: group.first.title) {
        .failure("kernel-report", words, group.first.trace)
      } else {
        .error("unproven", "new, but not held against the series: \(words)", group.first.trace)
      }
    return JUnitCase(name: "kernel report: \(group.first.title)", outcome: outcome)
  }
}
