// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

extension TrialRunner {
  /// Finds out which patch of a series brings what is worse than on the base: builds the series up to a patch, and runs
  /// only tests that got worse, one of each kind.
  ///
  /// A series of one patch needs no search. Nor does a mutant, nor a run whose results are not confirmed by retries.
  /// - Parameter trial: a trial that is over.
  /// - Throws: only what ends the run.
  func findCulprits(
    of one: ReadSeries, base baseTrial: Trial?, evidence: FilePath, scratch: FilePath, trial: inout Trial
  ) async throws {
    guard one.series.patches.count > 1, !rules.isOfMutants, rules.retryPolicy.retries > 0,
      rules.retryPolicy.repeats == 1, case .ran(let run) = trial.result, run.booted,
      case .ran(let baseRun)? = baseTrial?.result, baseRun.ending == .completed
    else { return }
    let answers = BaseAnswers(baseRun, known: rules.known, countsOnlyOurs: false)
    let tries = [run.tests] + (trial.again ?? [])
    let worse = worseTests(base: [baseRun.tests] + (trial.baseAgain ?? []), series: tries).map(\.name)
    // A test in which the guest died, or the kernel reported something, need not have failed itself.
    let struck = (run.deaths.map(\.test) + run.reports.filter(answers.isNew).compactMap(\.test)).filter {
      !worse.contains($0)
    }
    let groups = alikeTests(worse, in: run) + Set(struck).sorted().map { [$0] }
    if groups.isEmpty { return }
    let asked = groups.prefix(RetryPolicy.mostRetried).map { $0[0] }
    let begun = ContinuousClock.now
    defer { trial.seconds.add(.blame, (.now - begun) / .seconds(1)) }
    var known: [Int: [String: CulpritSearch.Answer]] = [:]
    var found: [Culprit] = []
    for (test, group) in zip(asked, groups) {
      let (bad, good) = try await CulpritSearch.run(of: one.series.patches.count) { number in
        if known[number] == nil {
          known[number] = try await answer(
            asked, of: one, upTo: number, answers, evidence: evidence, scratch: scratch)
        }
        return known[number]?[test] ?? .none
      }
      found.append(Culprit(number: bad, lastGood: good, test: test, alike: group.count - 1))
    }
    trial.culprits = found
  }

  /// Builds the first patches of a series, and runs tests.
  /// - Returns: the answer of each test; empty if there is no guest.
  private func answer(
    _ tests: [String], of one: ReadSeries, upTo number: Int, _ answers: BaseAnswers, evidence: FilePath,
    scratch: FilePath
  ) async throws -> [String: CulpritSearch.Answer] {
    let name = one.series.name
    events.send(
      .progress(series: name, stage: .build, text: "the first \(number) of \(one.series.patches.count) patches"))
    let place = evidence.appending("patch-\(number)")
    let keep = scratch.appending("patch-\(number)")
    let manager = FileManager.default
    try? manager.removeItem(atPath: place.string)
    for directory in [place, keep] {
      try manager.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    }
    var part = one
    part.series.patches.removeLast(one.series.patches.count - number)
    part.diffs.removeLast(one.diffs.count - number)
    for diff in part.diffs.compactMap(\.lastComponent) {
      try manager.copyItem(atPath: evidence.appending(diff).string, toPath: place.appending(diff).string)
    }
    // Whether each patch builds in its turn is known by now.
    var whole = self
    whole.rules.wholeOnly = true
    var (trial, bootable) = try await resources.build { [whole] in
      try await whole.build(part, on: nil, evidence: place, keep: keep)
    }
    defer { try? manager.removeItem(atPath: keep.string) }
    guard var bootable else {
      // Without a change in the compiled code, every test answers as on the base.
      if trial.result == .sameCode { return Dictionary(uniqueKeysWithValues: tests.map { ($0, .good) }) }
      return [:]
    }
    bootable.trace = nil
    bootable.asked = AskedTests(names: tests, isPart: true)
    bootable.initramfs = keep.appending("initramfs.cpio")
    try await Initramfs.write(
      Initramfs.Extras(driver: bootable.modules.driver.forGuest, orders: GuestOptions(only: tests)),
      behind: prepared.initramfs, to: bootable.initramfs, scratch: keep)
    try await resources.guest {
      try await boot(bootable, TestLimits(long: clocks.test), evidence: place, trial: &trial)
    }
    guard case .ran(let run) = trial.result, run.booted else { return [:] }
    let struck = Set(run.deaths.map(\.test) + run.reports.filter(answers.isNew).compactMap(\.test))
    return run.tests.reduce(into: [:]) { found, test in
      if struck.contains(test.name) || answers.isWorse(test) {
        found[test.name] = .bad
      } else if ![.missing, .skip].contains(test.status) {
        found[test.name] = .good
      }
    }
  }
}
