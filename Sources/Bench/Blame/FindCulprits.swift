// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SeriesIntake
import SystemPackage
import Verdicts

extension TrialRunner {
  /// Finds out which patch of a series brings what is worse than on the base: builds the series up to a patch, and runs
  /// only tests that got worse, one of each kind.
  ///
  /// There is no search in a run whose results are not confirmed by retries.
  /// - Parameters:
  ///   - reference: the base's trial.
  ///   - known: what the tests already say between the patches; `nil` if they were not asked.
  ///   - trial: a trial that is over.
  /// - Throws: harness errors.
  func findCulprits(
    of one: ReadSeries, beside reference: Trial?, known: PatchTable?, evidence: FilePath, scratch: FilePath,
    trial: inout Trial
  ) async throws {
    guard rules.retryPolicy.retries > 0, rules.retryPolicy.repeats == 1,
      case .ran(let baseRun)? = reference?.result, baseRun.ending == .completed
    else { return }
    let answers = BaseAnswers(baseRun, again: trial.baseReports ?? [], known: rules.known, isStrict: false)
    guard let whole = WorseWhole(trial, beside: baseRun, baseAgain: trial.baseAgain ?? [], answers),
      let run = whole.run
    else { return }
    let groups = alikeTests(whole.tests, in: run) + whole.struck.map { [$0] }
    if groups.isEmpty { return }
    let asked = groups.prefix(RetryPolicy.mostRetried).map { $0[0] }
    var spent: Double?
    var said: [Int: [String: CulpritSearch.Answer]] = [:]
    var found: [Culprit] = []
    defer { trial.seconds.add(.blame, spent) }
    for (test, group) in zip(asked, groups) {
      let (bad, good) = try await CulpritSearch.run(of: one.series.patches.count) { number in
        if let answer = known?.answer(of: test, number: number) { return answer }
        if said[number] == nil {
          said[number] = try await withFirst(number, of: one, evidence: evidence, scratch: scratch) { first in
            defer { spent = (spent ?? 0) + (first.trial.seconds.total ?? 0) }
            return try await answer(asked, on: &first, answers)
          }
        }
        return said[number]?[test] ?? .none
      }
      found.append(Culprit(number: bad, lastGood: good, test: test, alike: group.count - 1))
    }
    trial.culprits = found
  }

  /// Runs tests with the first patches of a series.
  /// - Returns: the answer of each test; empty if there is no guest.
  private func answer(
    _ tests: [String], on first: inout FirstPatches, _ answers: BaseAnswers
  ) async throws -> [String: CulpritSearch.Answer] {
    // Without a change in the compiled code, every test answers as on the base.
    if first.trial.result == .sameCode { return Dictionary(uniqueKeysWithValues: tests.map { ($0, .good) }) }
    guard let run = try await run(tests, TestLimits(long: clocks.test), on: &first), run.booted else { return [:] }
    let answer = PatchAnswer(run, answers)
    let bad = answer.worse.map { ($0, CulpritSearch.Answer.bad) }
    return Dictionary(bad + answer.good.map { ($0, .good) }, uniquingKeysWith: { worse, _ in worse })
  }
}
