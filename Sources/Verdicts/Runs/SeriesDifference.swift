// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// What only one of two runs has.
public struct OneSided: Codable, Sendable, Hashable {
  /// What only the later run has.
  public var new: [String]
  /// What only the earlier run has.
  public var gone: [String]

  public var isEmpty: Bool { new.isEmpty && gone.isEmpty }

  init(new: [String] = [], gone: [String] = []) {
    self.new = new
    self.gone = gone
  }
}

/// A series in one of two runs.
public struct NamedVerdict: Codable, Sendable, Hashable {
  public var name: String
  public var verdict: Verdict
}

/// What differs between two runs of a series.
public struct SeriesDifference: Sendable, Hashable {
  public var then: NamedVerdict
  public var now: NamedVerdict
  /// Why the two cannot be compared; `nil` if they can.
  public var obstacle: String?
  /// The tests that are worse than on the base.
  public var worse = OneSided()
  /// The tests that fail on the base and do not fail with the series.
  public var fixed = OneSided()
  /// The titles of the kernel reports that the base does not have.
  public var reports = OneSided()
  /// The tests that differ from the base by design, by question; only questions with a difference.
  public var design: [Design: OneSided] = [:]
  /// How many tests have an answer in only one of the runs, and so are in none of the above.
  public var uncompared = 0
  /// Whether something got worse.
  public var gotWorse = false

  /// Whether there is nothing to tell.
  public var isSame: Bool {
    obstacle == nil && then.verdict == now.verdict && worse.isEmpty && fixed.isEmpty && reports.isEmpty
      && design.isEmpty
  }

  init(then: (Judgement, RunRecord), now: (Judgement, RunRecord)) {
    self.then = NamedVerdict(name: then.0.series.name, verdict: then.0.verdict)
    self.now = NamedVerdict(name: now.0.series.name, verdict: now.0.verdict)
    if let obstacle = then.0.obstacle(in: then.1) {
      self.obstacle = "in the earlier run, \(obstacle)"
    } else if let obstacle = now.0.obstacle(in: now.1) {
      self.obstacle = "in the later run, \(obstacle)"
    }
    guard obstacle == nil else { return }
    gotWorse = now.0.verdict.distance > then.0.verdict.distance
    // Without a guest on both sides there are only verdicts.
    guard let before = Side(then.0), let after = Side(now.0) else { return }
    worse = Side.compare(before, after, \.worse)
    fixed = Side.compare(before, after, \.fixed)
    for design in Design.allCases {
      let found = Side.compare(before, after) { $0.differing[design] ?? [] }
      if !found.isEmpty { self.design[design] = found }
    }
    reports = OneSided(
      new: after.reports.filter { !before.reports.contains($0) },
      gone: before.reports.filter { !after.reports.contains($0) })
    uncompared = before.answered.symmetricDifference(after.answered).count
    // What is not fixed any more because the base does not fail any more is no loss.
    let isLost = fixed.gone.contains(where: after.bad.contains)
    gotWorse = gotWorse || !worse.new.isEmpty || !reports.new.isEmpty || isLost
  }
}

/// A series' results in one run.
private struct Side {
  /// In the order of the plan.
  var worse: [String] = []
  var fixed: [String] = []
  var differing: [Design: [String]] = [:]
  /// Each title once, in order.
  var reports: [String] = []
  /// The tests that gave an answer with the series.
  var answered: Set<String> = []
  /// The tests that fail with the series.
  var bad: Set<String> = []

  /// - Returns: `nil` if no guest ran.
  init?(_ judgement: Judgement) {
    guard case .ran(let run)? = judgement.trial?.result else { return nil }
    // A test that ended its guest may have no result of its own.
    let deaths = Set(run.deaths.map(\.test))
    for test in judgement.tests {
      let isDeath = deaths.contains(test.name)
      if test.series.isAnswer || isDeath { answered.insert(test.name) }
      if test.isBad || isDeath { bad.insert(test.name) }
      // What only the test driver provokes makes no verdict worse, either.
      if isDeath || test.countsAgainst { worse.append(test.name) }
      if test.change == .fixed { fixed.append(test.name) }
    }
    for (design, tests) in judgement.differences { differing[design] = tests.map(\.name) }
    for entry in judgement.reports where entry.countsAgainst {
      if !reports.contains(entry.report.title) { reports.append(entry.report.title) }
    }
  }

  /// Compares tests that gave an answer in both runs: of one that did not, nothing is known to have changed.
  static func compare(_ before: Side, _ after: Side, _ tests: (Side) -> [String]) -> OneSided {
    let (old, new) = (tests(before), tests(after))
    let (wasSo, isSo) = (Set(old), Set(new))
    return OneSided(
      new: new.filter { !wasSo.contains($0) && before.answered.contains($0) },
      gone: old.filter { !isSo.contains($0) && after.answered.contains($0) })
  }
}

extension Judgement {
  /// Why there is nothing to compare: the series was not judged; `nil` if it was.
  fileprivate func obstacle(in record: RunRecord) -> String? {
    switch trial?.result {
    case nil: return "it was not run"
    case .interrupted: return "it was stopped"
    case .fault(let fault): return "the harness failed: \(fault.message)"
    case .doesNotApply, .doesNotBuild, .sameCode: return nil
    case .built: return record.base?.result == .built ? nil : "the base was not built"
    case .ran:
      if case .broken(let reason, _) = BaseEvidence(record.base) { return reason.description }
      return nil
    }
  }
}

extension Verdict {
  /// How far a series is from being right. `fixes` is as far as `clean`: what a base does not have cannot be fixed.
  public var distance: Int {
    switch self {
    case .clean, .fixes: 0
    case .inconclusive: 1
    case .regresses: 2
    case .doesNotBoot: 3
    case .doesNotBuild: 4
    case .doesNotApply: 5
    }
  }
}
