// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Verdicts

extension TrialRunner {
  /// Tries changed results again, each time in a fresh guest, on the series and on the base; or runs all tests again, if
  /// that was asked for.
  /// - Parameters:
  ///   - scratch: a directory of the caller's.
  ///   - trial: one whose guest ran; what further guests say is added to it.
  func tryAgain(
    _ bootable: Bootable, base: BaseTrials, evidence: FilePath, scratch: FilePath, trial: inout Trial
  ) async throws {
    guard case .ran(let run) = trial.result, run.booted else { return }
    if rules.retryPolicy.repeats > 1 {
      try await withFreshGuests(bootable, count: rules.retryPolicy.repeats - 1, scratch: scratch, trial: &trial) {
        fresh, trial in
        for number in 1..<rules.retryPolicy.repeats {
          try await further("repeat-\(number)", fresh, tests: asked.names, evidence: evidence, trial: &trial)
        }
      }
      return
    }
    // A guest that did not come to its end has told enough; one of a base that did not has nothing to be held against.
    guard run.ending == .completed, case .ran(let baseRun) = await base.trial()?.result, baseRun.ending == .completed
    else { return }
    let changed = rules.retryPolicy.retries > 0 ? changedTests(base: baseRun, series: run) : []
    // A race that was not reached may be the next time; that it gave no answer is nothing to believe or not.
    let silent = silentTests(base: baseRun, series: run)
    let names = Array((changed + silent).prefix(RetryPolicy.mostRetried))
    if names.isEmpty { return }
    let times = max(rules.retryPolicy.retries, RetryPolicy.chances)
    try await withFreshGuests(bootable, count: times, scratch: scratch, trial: &trial) { fresh, trial in
      for number in 1...times {
        try await further("again-\(number)", fresh, tests: names, evidence: evidence, trial: &trial)
      }
    }
    if rules.baseline == nil {
      trial.baseAgain = try await askBaseAgain(names, times: times, base: base, scratch: scratch, trial: &trial)
    }
  }

  /// Has tests of the base tried again, as far as nobody has yet.
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
          try await further("again-\(number)", fresh, tests: names, evidence: baseAgain.directory, trial: &aside)
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

  /// Runs some tests in a guest of their own.
  func further(
    _ suffix: String, _ fresh: FreshGuests<Host>, tests: [String], evidence: FilePath, trial: inout Trial
  ) async throws {
    let further = try await guest("-\(suffix)", fresh, tests: tests, evidence: evidence, trial: &trial)
      .asked(for: tests[...])
    trial.again = (trial.again ?? []) + [further.tests]
    guard case .ran(var run) = trial.result else { return }
    // What a kernel reports is reported though it came only once.
    run.reports += further.reports
    run.deaths += further.deaths
    run.anomalies += further.anomalies.map { "of a further guest: \($0)" }
    if further.ending != .completed {
      run.anomalies.append("a further guest did not reach its end: \(further.ending.words)")
    }
    trial.result = .ran(run)
  }
}
