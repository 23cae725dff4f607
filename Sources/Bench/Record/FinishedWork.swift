// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol

/// The work of a run that its record says is finished. It is not repeated.
struct FinishedWork: Sendable, Hashable {
  var base: Trial?
  /// The trials by series name.
  var trials: [String: Trial] = [:]
  /// The numbers of the base's further trials.
  var repeats: Set<Int> = []
  /// The base's results of reruns, by the number of the rerun.
  var again: [Int: [TestResult]] = [:]
  /// The base's kernel reports of those reruns.
  var reports: [KernelReport] = []

  /// Reads what is finished. A trial that the harness failed at has no result, so it counts as not tried.
  init(_ record: RunRecord?) {
    guard let record else { return }
    base = record.base.flatMap { $0.isResult ? $0 : nil }
    trials = record.trials.filter { $0.value.isResult }
    for (trial, number) in zip(record.repeats, record.repeatNumbers) {
      if let number, trial.isResult { repeats.insert(number) }
    }
    again = record.baseAgain
    reports = record.baseReports
  }
}

extension Trial {
  fileprivate var isResult: Bool {
    switch result {
    case .doesNotApply, .doesNotBuild, .sameCode, .built, .ran: true
    case .fault, .interrupted: false
    }
  }
}
