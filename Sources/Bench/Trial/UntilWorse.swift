// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import SystemPackage
import Toolbox
import Verdicts

extension TrialRunner {
  /// Runs a series only until it is known to be worse than the base.
  ///
  /// The guest ends when:
  /// - a second test gets worse;
  /// - the kernel reports something that the base does not report, even if the test alone is rerun there; one report is
  ///   enough;
  /// - the guest dies or hangs; that is also enough;
  /// - one test got worse and none of the next few did.
  ///
  /// In the last case, that test alone runs once more in a fresh guest and once more on the base. It is believed if it
  /// is worse again and the base still passes. If the fresh guest answers as the base does, everything runs again in
  /// full, as for any series.
  /// - Parameters:
  ///   - built: the trial so far.
  ///   - named: of a planted fault, the only evidence that counts: it shall be caught by what is named for it. `nil` if
  ///     all counts.
  func runUntilWorse(
    _ bootable: Bootable, _ built: Trial, named: [Witness]? = nil, base: BaseTrials, evidence: FilePath,
    scratch: FilePath
  ) async throws -> Trial {
    var trial = built
    let baseTrial = await base.trial()
    guard case .ran(let baseRun)? = baseTrial?.result, baseRun.ending == .completed else {
      trial.result = .fault(HarnessFault(stage: .tests, message: "there is no complete base to compare it with"))
      return trial
    }
    // A test that notices a mutant has done its work, even if only the test driver can provoke it.
    var answers: BaseAnswers {
      BaseAnswers(baseRun, again: base.reports, known: rules.known, isStrict: rules.isOfMutants)
    }
    var heard: Witnesses
    var start = built
    repeat {
      (trial, heard) = try await listen(
        bootable, start, for: Witnesses(named: named), answers,
        news: news(of: built.series, beside: baseRun, again: base.reports), evidence: evidence)
      // What the base reports, too, proves nothing: the rest may.
      if case .report = heard.first { try await askForReports(base: base, scratch: scratch, trial: &trial) }
      start.seconds = trial.seconds
      start.baseReports = trial.baseReports
    } while heard.wasToldByBase(trial)
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
      // The first answer counts too: a test that gives different answers proves nothing.
      var first = trial.again ?? []
      if case .ran(let run) = trial.result { first.insert(run.tests.filter { $0.name == name }, at: 0) }
      trial = try await resources.guest {
        var trial = built
        try await boot(bootable, TestLimits(long: clocks.test), evidence: evidence, trial: &trial)
        return trial
      }
      trial.again = first
      try await tryAgain(
        bootable, base: base, TestLimits(long: clocks.test), evidence: evidence, scratch: scratch, trial: &trial)
      return trial
    case nil where named.map(trial.ended(before:)) == true:
      // The guest died of something else, so what is named did not get its turn.
      var (tried, limits) = try await resources.guest {
        try await boot(bootable, built, beside: baseTrial, base: base, evidence: evidence)
      }
      try await tryAgain(bootable, base: base, limits, evidence: evidence, scratch: scratch, trial: &tried)
      return tried
    case nil:
      try await tryAgain(
        bootable, base: base, TestLimits(long: clocks.test), evidence: evidence, scratch: scratch, trial: &trial)
      return trial
    }
  }

  /// Runs the tests until there is enough evidence.
  /// - Returns: the trial with its guest's run, and the evidence.
  private func listen(
    _ bootable: Bootable, _ built: Trial, for witnesses: Witnesses, _ answers: BaseAnswers, news: FirstNews?,
    evidence: FilePath
  ) async throws -> (Trial, Witnesses) {
    let witnesses = Locked(witnesses)
    let trial = try await resources.guest {
      var trial = built
      let run = try await guest(
        "", bootable, GuestOptions(testSeconds: clocks.test), news: news, evidence: evidence, trial: &trial
      ) { test, reports in
        witnesses.withLock { $0.hear(test, reports, answers) }
      }.asked(for: bootable.asked.names[...])
      trial.result = .ran(run)
      trial.firstNews = news?.seconds
      return trial
    }
    return (trial, witnesses.withLock { $0 })
  }

  /// Reruns one test in a fresh guest and on the base.
  /// - Parameter trial: the trial whose guest was ended because of that test. The fresh guest's results are added to
  ///   it.
  /// - Returns: whether the test is worse again, while the base answers as before.
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
      try await further(
        "again-1", fresh, TestLimits(long: clocks.test), tests: [name], evidence: evidence, trial: &trial)
      return trial
    }
    guard case .ran(let both) = trial.result else { return false }
    // A guest that died of the test has answered.
    let failed =
      trial.again?.last?.contains(where: answers.isWorse) == true || both.deaths.count > first.deaths.count
    let titles = both.reports.dropFirst(first.reports.count).filter(answers.isNew).map(\.title)
    guard failed || !titles.isEmpty else { return false }
    // If the baseline is not the base, there is no image of it here to rerun.
    if rules.baseline != nil { return true }
    let again = try await askBaseAgain([name], times: 1, base: base, scratch: scratch, trial: &trial)
    trial.baseAgain = again
    let onBase = Set(base.reports.map(\.title))
    guard failed || !onBase.isSuperset(of: titles) else { return false }
    return !again.joined().contains(where: answers.isWorse)
  }
}

/// The evidence against a series while its guest runs.
struct Witnesses: Sendable {
  /// How many tests after the first worse one to wait for another worse one.
  static let patience = 12

  /// The first evidence.
  private(set) var first: CutShort?
  /// Whether a second test got worse.
  private(set) var hasSecond = false
  private var since = 0
  /// The only evidence that counts; `nil` if all counts.
  private let named: [Witness]?

  init(named: [Witness]? = nil) { self.named = named }

  /// Takes a test's result and the kernel reports so far.
  /// - Returns: whether there is enough evidence.
  mutating func hear(_ test: TestResult?, _ reports: [KernelReport], _ answers: BaseAnswers) -> Bool {
    if let report = reports.first(where: { answers.isNew($0) && isNamed(report: $0.title) }) {
      first = .report(report.title)
      return true
    }
    guard let test else { return false }
    if first != nil { since += 1 }
    if answers.isWorse(test), isNamed(test: test.name) {
      if case .test(let name, _)? = first, name != test.name {
        hasSecond = true
      } else {
        first = first ?? .test(test.name, reason: answers.words(test))
      }
    }
    return hasSecond || since >= Self.patience
  }

  /// Whether its evidence is a report that the base is now known to have.
  func wasToldByBase(_ trial: Trial) -> Bool {
    guard case .report(let title) = first else { return false }
    return trial.baseReports?.contains { $0.title == title } == true
  }

  private func isNamed(test name: String) -> Bool { named?.contains { $0.names(test: name) } ?? true }

  private func isNamed(report title: String) -> Bool { named?.contains { $0.names(report: title) } ?? true }
}

extension Trial {
  /// Returns whether its guest ended early, and in none of the named tests.
  fileprivate func ended(before named: [Witness]) -> Bool {
    guard case .ran(let run) = result, run.ending != .completed else { return false }
    return !run.deaths.contains { death in named.contains { $0.names(test: death.test) } }
  }
}
