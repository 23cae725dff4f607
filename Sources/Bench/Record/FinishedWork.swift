// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol

/// What of a run is finished, by its record, and is neither tried nor judged again.
struct FinishedWork: Sendable, Hashable {
  var base: Trial?
  /// By the series' name.
  var trials: [String: Trial] = [:]
  /// The numbers of the base's further trials.
  var repeats: Set<Int> = []
  /// What the base said of tests that were tried again, by the number of the time.
  var again: [Int: [TestResult]] = [:]

  /// Where the harness failed there is no result, so that counts as not tried.
  init(_ record: RunRecord?) {
    guard let record else { return }
    base = record.base.flatMap { $0.isResult ? $0 : nil }
    trials = record.trials.filter { $0.value.isResult }
    for (trial, number) in zip(record.repeats, record.repeatNumbers) {
      if let number, trial.isResult { repeats.insert(number) }
    }
    again = record.baseAgain
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
