// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SystemPackage
import Verdicts

extension TrialRunner {
  /// Reruns tests on the base, as far as no series has had them rerun yet.
  func askBaseAgain(
    _ names: [String], times: Int, base: BaseTrials, scratch: FilePath, trial: inout Trial
  ) async throws -> [[TestResult]] {
    var spent: Double?
    let said = try await base.again(names, times: times) { lists, tell in
      // Only what ran can be added to.
      let nothing = GuestRun(
        release: nil, accelerator: guests.accelerator, ending: .completed, booted: true, tests: [], reports: [],
        anomalies: [], lastLines: [])
      var aside = Trial(series: nil, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .ran(nothing))
      try await withFreshGuests(baseBootable, count: lists.count, scratch: scratch, trial: &aside) { fresh, aside in
        for names in lists {
          let number = baseAgain.tries.next()
          let before = aside.reports.count
          try await further(
            "again-\(number)", fresh, TestLimits(long: clocks.test), tests: names, evidence: baseAgain.directory,
            trial: &aside)
          let said = aside.again?.last ?? []
          let results = names.map { name in said.first { $0.name == name } ?? TestResult(name: name, status: .missing) }
          try await RunDirectory.sync(baseAgain.directory)
          let reports = Array(aside.reports.dropFirst(before))
          try await events.record(.baseTriedAgain(results, reports: reports.isEmpty ? nil : reports, number: number))
          tell(results, reports)
        }
      }
      spent = aside.seconds.total
    }
    trial.seconds.add(.base, spent)
    return said
  }

  /// Asks the base for the kernel reports of a trial that it does not have: reruns, on the base, the tests in which
  /// they came.
  ///
  /// The base's first guest may have missed them. It runs the tests in another order, lockdep switches itself off after
  /// an oops, and a `WARN_ON_ONCE()` speaks once.
  /// - Parameter trial: gets the reports that the base has in reruns, as far as it has them, too.
  func askForReports(base: BaseTrials, scratch: FilePath, trial: inout Trial) async throws {
    // If the baseline is not the base, there is no image of it here to rerun.
    guard rules.baseline == nil, case .ran(let baseRun)? = await base.trial()?.result, baseRun.ending == .completed
    else { return }
    var doubts = ReportDoubts(trial.reports, known: rules.known, base: baseRun)
    doubts.settle(base.reports)
    let first = doubts.tests(of: asked)
    if !first.isEmpty {
      let before = base.reports.count
      _ = try await askBaseAgain(first, times: 1, base: base, scratch: scratch, trial: &trial)
      let hasOthers = base.reports.count > before
      doubts.settle(base.reports)
      // What one test made the base report may have kept it from reporting what the next one would.
      if hasOthers, first.count > 1 {
        for test in doubts.tests(of: asked) {
          _ = try await askBaseAgain([test], times: 2, base: base, scratch: scratch, trial: &trial)
        }
      }
    }
    let titles = Set(trial.reports.map(\.title))
    let onBase = base.reports.filter { titles.contains($0.title) }
    trial.baseReports = onBase.isEmpty ? nil : onBase
  }
}

/// The kernel reports of a series that the base is not known to have.
struct ReportDoubts {
  private var open: [KernelReport] = []

  /// - Parameters:
  ///   - reports: the series' reports.
  ///   - known: reports that do not count against a series.
  ///   - base: a run of the base that completed.
  init(_ reports: [KernelReport], known: [KnownReport], base: GuestRun) {
    let answers = BaseAnswers(base, known: known, isStrict: true)
    var titles: Set<String> = []
    open = reports.filter { answers.isNew($0) && titles.insert($0.title).inserted }
  }

  /// Takes further reports of the base.
  mutating func settle(_ reports: [KernelReport]) {
    let titles = Set(reports.map(\.title))
    open.removeAll { titles.contains($0.title) }
  }

  /// The tests in which the doubtful reports came first, in the order in which they run; at most
  /// ``RetryPolicy/mostRetried``. A report during boot or shutdown has none, and a console may name any: only the run's
  /// own are returned.
  func tests(of asked: AskedTests) -> [String] {
    let named = Set(open.compactMap(\.test))
    return Array(asked.names.lazy.filter(named.contains).prefix(RetryPolicy.mostRetried))
  }
}

extension Trial {
  /// The kernel reports of all its guests.
  fileprivate var reports: [KernelReport] {
    if case .ran(let run) = result { run.reports } else { [] }
  }
}
