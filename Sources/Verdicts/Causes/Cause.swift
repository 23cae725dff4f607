// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol
internal import KernelText

/// One thing that is wrong with a series, and everything that shows it.
public struct Cause: Codable, Sendable, Hashable {
  /// What is wrong.
  public var kind: CauseKind
  /// `after a buffer has moved, an alias still shows its old page`
  public var words: String
  /// The tests that show it, in the order of the plan.
  public var tests: [String]
  /// The titles of the kernel reports that show it, each once.
  public var reports: [String]

  /// `after a buffer has moved, an alias still shows its old page: move/pbtest-to-vgem/one-buffer and 11 more tests`
  public var sentence: String {
    let all = tests + reports
    guard let first = all.first else { return words }
    let (moreTests, moreReports) = (max(0, tests.count - 1), tests.isEmpty ? reports.count - 1 : reports.count)
    let more = [(moreTests, "more test"), (moreReports, tests.isEmpty ? "more report" : "kernel report")]
      .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
    return "\(words): \(first)" + (more.isEmpty ? "" : " and \(more.joined(separator: ", "))")
  }
}

extension Judgement {
  /// Returns what is wrong with the series, the weightiest first; empty if nothing got worse.
  ///
  /// Each test and each report's title is part of one cause. What only the test driver provokes is part of none.
  /// - Parameter rules: those of the suite. The first that matches puts a failure into words.
  public func causes(_ rules: [CauseRule]) -> [Cause] {
    var found = Causes(rules)
    if let ending { found.add(.dies, ending) }
    for test in tests where test.isWorse && !OnlyOurs.isAsked(by: test.name) { found.add(test) }
    for entry in reports where entry.countsAgainst { found.add(entry.report) }
    return found.sorted
  }

  /// How the guest ended, if that counts against the series.
  private var ending: String? {
    guard verdict == .regresses, case .ran(let run)? = trial?.result, trial?.cutShort == nil else { return nil }
    switch run.ending {
    case .completed, .machineDied, .flooded: return nil
    case .panicked, .stoppedEarly, .silent, .bootDeadline, .runDeadline:
      return "the guest does not complete: \(run.endingWords)"
    }
  }
}

/// Collects causes by the rule that puts them into words.
private struct Causes {
  private let rules: [CauseRule]
  private var all: [Cause] = []

  init(_ rules: [CauseRule]) { self.rules = rules }

  /// The weightiest first; among equals, that of the earlier rule, which is the one that came first.
  var sorted: [Cause] {
    let ranks = CauseKind.allCases
    let placed = all.enumerated().map { offset, cause in
      let rule = rules.firstIndex { $0.words == cause.words } ?? rules.count
      return (cause: cause, order: (ranks.firstIndex(of: cause.kind)!, rule, offset))
    }
    return placed.sorted { $0.order < $1.order }.map(\.cause)
  }

  mutating func add(_ kind: CauseKind, _ words: String, test: String? = nil, report: String? = nil) {
    let index = all.firstIndex { $0.kind == kind && $0.words == words } ?? all.count
    if index == all.count { all.append(Cause(kind: kind, words: words, tests: [], reports: [])) }
    if let test { all[index].tests.append(test) }
    if let report, !all[index].reports.contains(report) { all[index].reports.append(report) }
  }

  mutating func add(_ test: TestComparison) {
    switch test.series {
    case .crash: add(.hangs, "a process that uses the buffer is killed", test: test.name)
    case .timeout: add(.hangs, "a process that uses the buffer does not come back from the kernel", test: test.name)
    case .ok, .notOk, .skip, .missing:
      let all = test.newlyFailed.map(\.name)
      // A control shows that the test could see. What it means that it fails depends on the rest.
      let others = all.filter { !$0.hasPrefix("control") && !$0.contains(": control: ") }
      let failed = others.isEmpty ? all : others
      let rule = rules.first { $0.matches(test: test.name, failed: failed) }
      add(rule?.kind ?? .behaviour, rule?.words ?? "tests answer in another way", test: test.name)
    }
  }

  mutating func add(_ report: KernelReport) {
    if let rule = rules.first(where: { $0.matches(report: report.title) }) {
      add(rule.kind, rule.words, report: report.title)
    } else if report.taints?.isEmpty == false {
      add(.consequence, "the kernel complains once something else has gone wrong", report: report.title)
    } else {
      add(.splat, "the kernel complains", report: report.title)
    }
  }
}
