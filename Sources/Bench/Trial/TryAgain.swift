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
  /// runs all tests again instead.
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

  /// Reruns tests on the base, as far as no series has had them rerun yet.
  func askBaseAgain(
    _ names: [String], times: Int, base: BaseTrials, scratch: FilePath, trial: inout Trial
  ) async throws -> [[TestResult]] {
    var spent: Double?
    let said = try await base.again(names, times: times) { lists, tell in
      var aside = Trial(series: nil, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
      try await withFreshGuests(baseBootable, count: lists.count, scratch: scratch, trial: &aside) { fresh, aside in
        for names in lists {
          let number = baseAgain.tries.next()
          try await further(
            "again-\(number)", fresh, TestLimits(long: clocks.test), tests: names, evidence: baseAgain.directory,
            trial: &aside)
          let said = aside.again?.last ?? []
          let results = names.map { name in said.first { $0.name == name } ?? TestResult(name: name, status: .missing) }
          try await RunDirectory.sync(baseAgain.directory)
          try await events.record(.baseTriedAgain(results, number: number))
          tell(results)
        }
      }
      spent = aside.seconds.total
    }
    trial.seconds.add(.base, spent)
    return said
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
    // A kernel report counts even if it came only once.
    run.reports += further.reports
    run.deaths += further.deaths
    run.anomalies += further.anomalies.map { "in a further guest: \($0)" }
    if further.ending != .completed {
      run.anomalies.append("a further guest did not complete: \(further.ending.words)")
    }
    trial.result = .ran(run)
  }
}
