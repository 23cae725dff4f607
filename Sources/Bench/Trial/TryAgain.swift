// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Verdicts

extension TrialRunner {
  /// Reruns tests whose results changed, each time in a fresh guest, on the series and on the base. With `--repeat`,
  /// runs all tests again instead. Then asks the base for kernel reports that it does not have.
  ///
  /// Of tests that failed alike only the first is rerun. If it gives another result in any rerun, it says nothing about
  /// the others of its kind, and they are rerun as well.
  /// - Parameters:
  ///   - limits: the limits of the trial's first guest.
  ///   - scratch: the caller's scratch directory.
  ///   - trial: a trial whose guest ran. The results of further guests are added to it.
  func tryAgain(
    _ bootable: Bootable, base: BaseTrials, _ limits: TestLimits, evidence: FilePath, scratch: FilePath,
    trial: inout Trial
  ) async throws {
    try await rerunChanged(bootable, base: base, limits, evidence: evidence, scratch: scratch, trial: &trial)
    try await askForReports(base: base, scratch: scratch, trial: &trial)
  }

  /// Does what ``tryAgain(_:base:_:evidence:scratch:trial:)`` says about tests.
  private func rerunChanged(
    _ bootable: Bootable, base: BaseTrials, _ limits: TestLimits, evidence: FilePath, scratch: FilePath,
    trial: inout Trial
  ) async throws {
    guard case .ran(let run) = trial.result, run.booted else { return }
    let long = TestLimits(long: clocks.test)
    if rules.retryPolicy.repeats > 1 {
      try await withFreshGuests(bootable, count: rules.retryPolicy.repeats - 1, scratch: scratch, trial: &trial) {
        fresh, trial in
        for number in 1..<rules.retryPolicy.repeats {
          events.send(.retrying(series: trial.series, number: number, of: rules.retryPolicy.repeats - 1))
          try await further(
            "repeat-\(number)", fresh, long, tests: bootable.asked.names, evidence: evidence, trial: &trial)
        }
      }
      return
    }
    // If the guest did not complete, it has shown enough. If the base's did not, there is nothing to compare with.
    guard run.ending == .completed, case .ran(let baseRun) = await base.trial()?.result, baseRun.ending == .completed
    else { return }
    let changed = rules.retryPolicy.retries > 0 ? changedTests(base: baseRun, series: run) : []
    // A race that did not happen may happen the next time. Until then, the test has no answer to confirm.
    let silent = silentTests(base: baseRun, series: run)
    let kinds = alikeTests(changed + silent, in: run)
    if kinds.isEmpty { return }
    let times = max(rules.retryPolicy.retries, RetryPolicy.chances)
    var names = Array(kinds.map { $0[0] }.prefix(RetryPolicy.mostRetried))
    try await withFreshGuests(bootable, count: times, scratch: scratch, trial: &trial) { fresh, trial in
      let unsteady = try await rerun(names, 1...times, of: run, fresh, limits, evidence: evidence, trial: &trial)
      let others = kinds.filter { unsteady.contains($0[0]) }.flatMap { $0.dropFirst() }.prefix(RetryPolicy.mostRetried)
      if others.isEmpty { return }
      names += others
      _ = try await rerun(
        Array(others), times + 1...2 * times, of: run, fresh, limits, evidence: evidence, trial: &trial)
    }
    if rules.baseline == nil {
      trial.baseAgain = try await askBaseAgain(names, times: times, base: base, scratch: scratch, trial: &trial)
    }
    tellConfirmed(trial, beside: baseRun)
  }

  /// Tells the user the first test that the reruns have confirmed to be worse.
  private func tellConfirmed(_ trial: Trial, beside base: GuestRun) {
    guard let series = trial.series, case .ran(let run) = trial.result else { return }
    let tests = [run.tests] + (trial.again ?? [])
    let worse = worseTests(base: [base.tests] + (trial.baseAgain ?? []), series: tests)
    guard let worst = worse.first(where: \.wasTriedAgain) else { return }
    events.send(.worse(series: series, subject: worst.name, words: worst.tryWords, isConfirmed: true))
  }

  /// Reruns tests several times. The first rerun has the long limits. Later ones have them only if a test needed them.
  /// - Parameters:
  ///   - numbers: the numbers of the reruns, for their evidence.
  ///   - run: the first guest's run.
  /// - Returns: the tests that did not always fail as in the first guest.
  private func rerun(
    _ names: [String], _ numbers: ClosedRange<Int>, of run: GuestRun, _ fresh: FreshGuests<Host>, _ limits: TestLimits,
    evidence: FilePath, trial: inout Trial
  ) async throws -> Set<String> {
    var unsteady: Set<String> = []
    let overdue = Set(run.overdue ?? [])
    for number in numbers {
      events.send(
        .retrying(series: trial.series, number: number - numbers.lowerBound + 1, of: numbers.count))
      let isLong = number == numbers.lowerBound || !unsteady.isDisjoint(with: overdue)
      try await further(
        "again-\(number)", fresh, isLong ? TestLimits(long: clocks.test) : limits, tests: names, evidence: evidence,
        trial: &trial)
      let again = Dictionary((trial.again?.last ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
      for before in run.tests where names.contains(before.name) {
        let after = again[before.name].map { FailureKind($0, isOverdue: false) }
        if after != FailureKind(before, isOverdue: overdue.contains(before.name)) { unsteady.insert(before.name) }
      }
    }
    return unsteady
  }

  /// Runs some tests in a separate guest.
  func further(
    _ suffix: String, _ fresh: FreshGuests<Host>, _ limits: TestLimits, tests: [String], evidence: FilePath,
    trial: inout Trial
  ) async throws {
    let further = try await guest("-\(suffix)", fresh, limits, tests: tests, evidence: evidence, trial: &trial)
      .asked(for: tests[...])
    trial.again = (trial.again ?? []) + [further.tests]
    guard case .ran(var run) = trial.result else { return }
    // A kernel report counts even if it came only once, unless the base is found to have it.
    run.reports += further.reports
    run.deaths += further.deaths
    run.anomalies += further.anomalies.map { "in a further guest: \($0)" }
    if further.ending != .completed {
      run.anomalies.append("a further guest did not complete: \(further.ending.words)")
    }
    trial.result = .ran(run)
  }
}
