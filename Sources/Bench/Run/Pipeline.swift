// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

extension ReadSeries {
  /// The failure of a series that could not be read; `nil` for any other series.
  var refused: ApplyFailure? {
    guard let refusal, let patch = series.patches.first else { return nil }
    return ApplyFailure(patch: patch, file: nil, hunk: nil, message: refusal)
  }
}

/// Runs the trials of the base and all series of a run, several in parallel: while the guest of one series runs, the
/// next series is built. Trials that have a cached result under the same conditions are not run again.
struct Pipeline<Host: SavingHost>: Sendable {
  var trials: TrialRunner<Host>
  /// Runs the trials.
  var executor: any TrialExecutor
  var kept: TrialCache
  var directory: RunDirectory
  var scratch: FilePath
  /// Whether to ignore cached results.
  var fresh: Bool
  /// What was finished before the run was interrupted.
  var finished: FinishedWork

  private var events: EventHub { trials.events }
  private var repeats: Int { trials.rules.retryPolicy.repeats }

  /// Runs all trials that are not finished.
  /// - Throws: only on cancellation, if the work cannot be planned, or if the disk is full.
  func run(_ series: [ReadSeries]) async throws {
    let baseKey = try await kept.key([])
    let base = BaseTrials(again: finished.again, reports: finished.reports)
    var knownBase = trials.rules.baseline?.trial ?? finished.base
    if knownBase == nil { knownBase = try await reuse(baseKey, nil, beside: nil) }
    if let knownBase { base.fulfil(knownBase) }
    let order = try await order(of: series, beside: knownBase)
    forecast(order, triesBase: knownBase == nil)
    try await withThrowingDiscardingTaskGroup { group in
      // First, because every verdict needs it.
      if knownBase == nil {
        group.addTask {
          // Series that wait for the base must not wait forever.
          defer { base.fulfil(nil) }
          let trial = try await executor.runBase(evidence: directory.evidence(nil))
          try await finish(trial, baseKey, beside: nil)
          base.fulfil(trial)
        }
      }
      for number in 1..<max(1, repeats) where !finished.repeats.contains(number) {
        group.addTask { try await repeatBase(number) }
      }
      var layer: (key: [String], tree: Promise<SharedPatchTree?>)?
      for (number, item) in order.enumerated() {
        if group.isCancelled { break }
        if item.shared == 0 || !executor.sharesPatches {
          layer = nil
        } else if layer?.key != item.layer {
          let tree = Promise<SharedPatchTree?>()
          layer = (item.layer, tree)
          group.addTask {
            // Series wait for it, also when it cannot be made.
            defer { tree.fulfil(nil) }
            let users = order.count { $0.layer == item.layer }
            tree.fulfil(try await makeSharedTree(item, number: number, users: users))
          }
        }
        // Acquired here and not in the task, so that the series start in this order.
        let place = try await executor.turns.acquire()
        group.addTask { [layer] in
          defer { executor.turns.release(place) }
          let evidence = directory.evidence(item.one.series.name)
          let trial = try await executor.run(item.one, on: await layer?.tree.value, base: base, evidence: evidence)
          try await finish(trial, item.key, beside: base)
        }
      }
    }
  }

  /// Returns what is left to try, in order.
  ///
  /// Shared patches are decided over all series that the run began with, so that a series is built in the same way,
  /// whichever of the others are finished.
  private func order(of series: [ReadSeries], beside base: Trial?) async throws -> [WorkItem] {
    // If the base has not been tried yet, its results may differ from the cached ones, and so may those of a series.
    var fingerprint: String?
    if let base { fingerprint = try await TrialCache.baseFingerprint(of: base) }
    let planned = try await PlannedWork(series, cache: kept, base: trials.base) { [fingerprint] item in
      if let done = finished.trials[item.one.series.name] { return done.reused }
      return try await reuse(item.key, item.one.series, beside: fingerprint) != nil
    }
    for (one, failure) in planned.refused where finished.trials[one.series.name] == nil {
      try await record(
        Trial(
          series: one.series.name, cell: trials.rules.cell, seconds: StageSeconds(), reused: false,
          result: .doesNotApply(failure)))
    }
    return planned.pending.filter { finished.trials[$0.one.series.name] == nil }
  }

  /// Tells how long each trial will take. Only of trials with all tests is that known.
  private func forecast(_ order: [WorkItem], triesBase: Bool) {
    let rules = trials.rules
    if trials.asked.isPart || rules.stopsWhenWorse { return }
    let timings = Timings(trials.cache)
    if triesBase { events.send(timings.expected(nil, objects: nil, extent: rules.cell.extent)) }
    for item in order {
      events.send(timings.expected(item.one.series.name, objects: item.objects.last, extent: rules.cell.extent))
    }
  }

  private func repeatBase(_ number: Int) async throws {
    let evidence = directory.evidence(nil).appending("repeat-\(number < 10 ? "0" : "")\(number)")
    try FileManager.default.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
    let trial = try await executor.runBase(evidence: evidence)
    try await RunDirectory.sync(evidence)
    try DurableFile.sync(directory.evidence(nil))
    try await events.record(.baseRepeated(trial, number: number))
  }

  /// Reuses a cached result, unless cached results are ignored.
  /// - Returns: `nil` if there is none.
  private func reuse(_ key: String, _ series: PatchSeries?, beside base: String?) async throws -> Trial? {
    let evidence = directory.evidence(series?.name)
    guard !fresh, repeats == 1, let trial = kept.reuse(key, as: series, beside: base, evidence: evidence) else {
      return nil
    }
    try await record(trial)
    return trial
  }

  private func finish(_ trial: Trial, _ key: String, beside base: BaseTrials?) async throws {
    try await record(trial)
    // After the record. Otherwise a run that is killed in between would take its own result for that of an earlier run.
    if repeats == 1 {
      var fingerprint: String?
      if trial.wasCompared, let base = await base?.trial() {
        fingerprint = try await TrialCache.baseFingerprint(of: base)
      }
      await kept.keep(trial, key, beside: fingerprint, evidence: directory.evidence(trial.series))
    }
    Allocator.trim()
  }

  private func record(_ trial: Trial) async throws {
    try await RunDirectory.sync(directory.evidence(trial.series))
    try await events.record(.trialFinished(trial))
  }

  /// Builds the patches that several series share.
  /// - Returns: `nil` if this fails for any reason. The series are then built in full, each with its own result.
  private func makeSharedTree(_ item: WorkItem, number: Int, users: Int) async throws -> SharedPatchTree? {
    let name = item.one.series.name
    events.send(.stageStarted(series: name, stage: .build))
    do {
      return try await trials.resources.build {
        try await SharedPatchTree.make(
          item.one, patches: item.shared, for: users, on: trials.prepared, jobs: trials.resources.jobs,
          scratch: scratch.appending("layer-\(number)")
        ) { events.send(.progress(series: name, stage: .build, text: "shared patches: \($0)")) }
      }
    } catch {
      if error.isCancellation { throw CancellationError() }
      if error.isNoSpace { throw error }
      return nil
    }
  }
}
