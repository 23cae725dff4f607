// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import SystemPackage
import Toolbox
import Verdicts

extension TrialRunner {
  /// Runs a series no longer than it takes to know that it is worse.
  ///
  /// The guest runs its tests and is ended by the second test whose answer is worse than the base's. Where none of the
  /// next few follows the first, the first is believed once a fresh guest, with that test alone, answers worse as well, and
  /// the base, asked once more, does not. A report of the kernel's that the base lacks needs no second one, nor does a guest
  /// that died or hung. Where the fresh guest answers as the base does, all is done again as for any series, with nothing
  /// cut short.
  /// - Parameter built: the trial so far.
  func runUntilWorse(
    _ bootable: Bootable, _ built: Trial, base: BaseTrials, evidence: FilePath, scratch: FilePath
  ) async throws -> Trial {
    var trial = built
    guard case .ran(let baseRun)? = await base.trial()?.result, baseRun.ending == .completed else {
      trial.result = .fault(HarnessFault(stage: .tests, message: "there is no whole base to hold it against"))
      return trial
    }
    let answers = BaseAnswers(baseRun, known: rules.known)
    let witnesses = Locked(Witnesses())
    trial = try await resources.guest {
      var trial = trial
      let run = try await guest(
        "", bootable, GuestOptions(testSeconds: clocks.test), evidence: evidence, trial: &trial
      ) { test, reports in
        witnesses.withLock { $0.hear(test, reports, answers) }
      }.asked(for: asked.names[...])
      trial.result = .ran(run)
      return trial
    }
    let heard = witnesses.withLock { $0 }
    switch heard.first {
    case .report(let title):
      trial.cutShort = .report(title)
      return trial
    case .test(let name, let reason):
      if heard.hasSecond {
        trial.cutShort = .test(name, reason: reason)
        return trial
      }
      if try await confirms(name, bootable, answers, base: base, evidence: evidence, scratch: scratch, trial: &trial) {
        trial.cutShort = .test(name, reason: reason)
        return trial
      }
      // What it said first is part of what it says: a test that comes out now so and now so is no witness.
      var first = trial.again ?? []
      if case .ran(let run) = trial.result { first.insert(run.tests.filter { $0.name == name }, at: 0) }
      trial = try await resources.guest {
        var trial = built
        try await boot(bootable, evidence: evidence, trial: &trial)
        return trial
      }
      trial.again = first
      try await tryAgain(bootable, base: base, evidence: evidence, scratch: scratch, trial: &trial)
      return trial
    case nil:
      try await tryAgain(bootable, base: base, evidence: evidence, scratch: scratch, trial: &trial)
      return trial
    }
  }

  /// Asks a fresh guest, and the base, for one test.
  /// - Parameter trial: its guest was ended by that test; what the fresh one says is added to it.
  /// - Returns: whether the test is worse once more, and on the base as it was.
  private func confirms(
    _ name: String, _ bootable: Bootable, _ answers: BaseAnswers, base: BaseTrials, evidence: FilePath,
    scratch: FilePath, trial: inout Trial
  ) async throws -> Bool {
    guard case .ran(let first) = trial.result else { return false }
    trial = try await resources.guest {
      var trial = trial
      let directory = scratch.appending("confirms")
      try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
      var fresh = FreshGuests<Host>(bootable: bootable, directory: directory)
      fresh.bootable.trace = nil
      try await further("again-1", fresh, tests: [name], evidence: evidence, trial: &trial)
      return trial
    }
    guard case .ran(let both) = trial.result else { return false }
    // One that died of it has answered.
    let isWorse =
      trial.again?.last?.contains(where: answers.isWorse) == true || both.deaths.count > first.deaths.count
      || both.reports.dropFirst(first.reports.count).contains(where: answers.isNew)
    guard isWorse else { return false }
    // Of another baseline than the base there is no image here to ask.
    if rules.baseline != nil { return true }
    let again = try await askBaseAgain([name], times: 1, base: base, scratch: scratch, trial: &trial)
    trial.baseAgain = again
    return !again.joined().contains(where: answers.isWorse)
  }
}

/// What speaks against a series while its guest runs.
struct Witnesses: Sendable {
  /// How many tests behind the first that is worse are waited for, until another one is.
  static let patience = 12

  /// What was heard first.
  private(set) var first: CutShort?
  /// Whether a second test says so too.
  private(set) var hasSecond = false
  private var since = 0

  /// - Returns: whether enough was heard.
  mutating func hear(_ test: TestResult?, _ reports: [KernelReport], _ answers: BaseAnswers) -> Bool {
    if let report = reports.first(where: answers.isNew) {
      first = .report(report.title)
      return true
    }
    guard let test else { return false }
    if first != nil { since += 1 }
    if answers.isWorse(test) {
      if case .test(let name, _)? = first, name != test.name {
        hasSecond = true
      } else {
        first = first ?? .test(test.name, reason: answers.words(test))
      }
    }
    return hasSecond || since >= Self.patience
  }
}
