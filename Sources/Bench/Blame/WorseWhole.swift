// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Verdicts

/// What is worse with a whole series than on the base.
struct WorseWhole {
  /// The tests that got worse.
  var tests: [String] = []
  /// Other tests, in which the guest died or the kernel reported something new. They need not have failed themselves.
  var struck: [String] = []
  /// The titles of all kernel reports.
  var titles: Set<String> = []
  /// `nil` if the code is the base's, so that there was nothing to run.
  var run: GuestRun?
  /// Whether its guest ran to the end of its tests.
  var isComplete = true

  /// - Parameters:
  ///   - trial: a trial whose tests have run and were rerun.
  ///   - base: a run of the base that completed.
  /// - Returns: `nil` if the trial did not get so far.
  init?(_ trial: Trial, beside base: GuestRun, baseAgain: [[TestResult]], _ answers: BaseAnswers) {
    switch trial.result {
    case .sameCode: return
    case .ran(let run) where run.booted:
      self.run = run
      isComplete = run.ending == .completed
      tests = worseTests(base: [base.tests] + baseAgain, series: [run.tests] + (trial.again ?? [])).map(\.name)
      struck = answers.struck(in: run).subtracting(tests).sorted()
      titles = Set(run.reports.map(\.title))
    default: return nil
    }
  }

  /// Whether anything is.
  func isWorse(_ answers: BaseAnswers) -> Bool {
    !isComplete || !tests.isEmpty || !struck.isEmpty || run?.reports.contains(where: answers.isNew) == true
  }
}
