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
  /// Of tests that failed alike only the first is rerun. If it gives another result, the others of its kind are rerun
  /// as well. The first rerun has the long limits. What runs out of them again costs the short limit from then on.
  /// - Parameters:
  ///   - limits: the limits of the trial's first guest.
  ///   - overdue: the tests that ran out of a short limit.
  ///   - scratch: the caller's scratch directory.
  ///   - trial: a trial whose guest ran. The results of further guests are added to it.
  func tryAgain(
    _ bootable: Bootable, base: BaseTrials, _ limits: TestLimits, _ overdue: Set<String>, evidence: FilePath,
    scratch: FilePath, trial: inout Trial
  ) async throws {
    guard case .ran(let run) = trial.result, run.booted else { return }
    let long = TestLimits(long: clocks.test)
    if rules.retryPolicy.repeats > 1 {
      try await withFreshGuests(bootable, count: rules.retryPolicy.repeats - 1, scratch: scratch, trial: &trial) {
        fresh, trial in
        for number in 1..<rules.retryPolicy.repeats {
          try await further("repeat-\(number)", fresh, long, tests: asked.names, evidence: evidence, trial: &trial)
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
    let kinds = alikeTests(changed + silent, in: run.tests, overdue: overdue)
    if kinds.isEmpty { return }
    let times = max(rules.retryPolicy.retries, RetryPolicy.chances)
    var names = Array(kinds.compactMap(\.first).prefix(RetryPolicy.mostRetried))
    var later = limits
    try await withFreshGuests(bootable, count: times, scratch: scratch, trial: &trial) { fresh, trial in
      for number in 1...times {
        try await further(
          "again-\(number)", fresh, number == 1 ? long : later, tests: names, evidence: evidence, trial: &trial)
        guard number == 1, let second = trial.again?.last else { continue }
        let unlike = Set(alikeChanged(names, run.tests, second, overdue))
        let others = kinds.filter { $0.first.map(unlike.contains) ?? false }.flatMap { $0.dropFirst() }
        names = Array((names + others).prefix(RetryPolicy.mostRetried))
        // A limit that was too short once is too short again.
        if !unlike.isDisjoint(with: overdue) { later = long }
      }
    }
    if rules.baseline == nil {
      trial.baseAgain = try await askBaseAgain(names, times: times, base: base, scratch: scratch, trial: &trial)
    }
  }

  /// Returns the tests that did not fail as before when they were rerun.
  private func alikeChanged(
    _ names: [String], _ first: [TestResult], _ second: [TestResult], _ overdue: Set<String>
  ) -> [String] {
    names.filter { name in
      guard let before = first.first(where: { $0.name == name }), let after = second.first(where: { $0.name == name })
      else { return true }
      return FailureKind(before, isOverdue: overdue.contains(name)) != FailureKind(after, isOverdue: false)
    }
  }

  /// Reruns tests on the base, as far as no series has had them rerun yet.
  func askBaseAgain(
    _ names: [String], times: Int, base: BaseTrials, scratch: FilePath, trial: inout Trial
  ) async throws -> [[TestResult]] {
    var spent: Double?
    let said = try await base.again(names, times: times) { lists, tell in
      let whole = Bootable(image: self.base.image, initramfs: guests.baseInitramfs, trace: nil, modules: driver.modules)
      var aside = Trial(series: nil, cell: rules.cell, seconds: StageSeconds(), reused: false, result: .interrupted)
      try await withFreshGuests(whole, count: lists.count, scratch: scratch, trial: &aside) { fresh, aside in
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
