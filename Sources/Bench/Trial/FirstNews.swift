// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Toolbox
import Verdicts

/// Tells the user while a series' guest runs that something is worse than on the base, and remembers when it first was.
///
/// Only the first test and each kernel report are told: if a series breaks much, more tests of one guest say nothing new.
final class FirstNews: Sendable {
  private struct State {
    /// When the guest sent its first line.
    var hello: ContinuousClock.Instant?
    /// Seconds from then until the first news.
    var seconds: Double?
    var hasTest = false
    var titles: Set<String> = []
  }

  private let series: String
  private let answers: BaseAnswers
  private let events: EventHub
  private let state = Locked(State())

  init(_ series: String, _ answers: BaseAnswers, _ events: EventHub) {
    self.series = series
    self.answers = answers
    self.events = events
  }

  /// Seconds from the guest's first line to the first news; `nil` if there was none.
  var seconds: Double? { state.withLock { $0.seconds } }

  func booted() { state.withLock { $0.hello = $0.hello ?? .now } }

  /// Takes a test's result, if there is one, and all kernel reports so far.
  func hear(_ test: TestResult?, _ reports: [KernelReport]) {
    state.withLock { state in
      for report in reports where answers.isNew(report) && state.titles.insert(report.title).inserted {
        tell(report.title, "kernel report\(report.test.map { " in \($0)" } ?? "") that the base does not have", &state)
      }
      if !state.hasTest, let test, answers.isWorse(test) {
        state.hasTest = true
        tell(test.name, answers.words(test), &state)
      }
    }
  }

  private func tell(_ subject: String, _ words: String, _ state: inout State) {
    events.send(.worse(series: series, subject: subject, words: words, isConfirmed: false))
    if state.seconds == nil, let hello = state.hello { state.seconds = (.now - hello) / .seconds(1) }
  }
}
