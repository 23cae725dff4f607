// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

extension ReadSeries {
  /// What becomes of a series that could not be read; `nil` for any other.
  var refused: ApplyFailure? {
    guard let refusal, let patch = series.patches.first else { return nil }
    return ApplyFailure(patch: patch, file: nil, hunk: nil, message: refusal)
  }
}

/// Takes the base and all series of a run through their trials, several at once: while one's guest runs the next is
/// built. What was judged before under the same conditions is not judged again.
struct Pipeline<Host: SavingHost>: Sendable {
  var trials: TrialRunner<Host>
  /// What carries them out.
  var executor: any TrialExecutor
  var kept: TrialCache
  var directory: RunDirectory
  var scratch: FilePath
  /// Judge all again.
  var fresh: Bool
  /// What was finished before the run was broken off.
  var finished: FinishedWork

  private var events: EventHub { trials.events }
  private var repeats: Int { trials.rules.retryPolicy.repeats }

  /// - Throws: only when the run was cancelled, if the work could not be planned, or if the disk is full.
  func run(_ series: [ReadSeries]) async throws {
    let baseKey = try await kept.key([])
    let base = BaseTrials(again: finished.again)
    var knownBase = trials.rules.baseline?.trial ?? finished.base
    if knownBase == nil { knownBase = try await reuse(baseKey, nil, beside: nil) }
    if let knownBase { base.fulfil(knownBase) }
    let order = try await order(of: series, beside: knownBase)
    try await withThrowingDiscardingTaskGroup { group in
      // First, because every verdict waits for it.
      if knownBase == nil {
        group.addTask {
          // Whoever waits for the base must not wait for ever.
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
            // Whoever waits for it must not wait for ever.
            defer { tree.fulfil(nil) }
            let users = order.count { $0.layer == item.layer }
            tree.fulfil(try await makeSharedTree(item, number: number, users: users))
          }
        }
        // Taken here and not by the task, so that their turns come in this order.
        let place = try await trials.resources.series.acquire()
        group.addTask { [layer] in
          defer { trials.resources.series.release(place) }
          let evidence = directory.evidence(item.one.series.name)
          let trial = try await executor.run(item.one, on: await layer?.tree.value, base: base, evidence: evidence)
          try await finish(trial, item.key, beside: base)
        }
      }
    }
  }

  /// What is left to try, in its order. Which patches are shared is decided over all that was to be tried when the run
  /// began: a series comes to its image in the same way, whatever of the others is finished.
  private func order(of series: [ReadSeries], beside base: Trial?) async throws -> [WorkItem] {
    // Where the base is yet to be tried it may say something else than it did, and a series with it.
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

  private func repeatBase(_ number: Int) async throws {
    let evidence = directory.evidence(nil).appending("repeat-\(number < 10 ? "0" : "")\(number)")
    try FileManager.default.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
    let trial = try await executor.runBase(evidence: evidence)
    try await RunDirectory.sync(evidence)
    try DurableFile.sync(directory.evidence(nil))
    try await events.record(.baseRepeated(trial, number: number))
  }

  /// Takes a kept result, unless all is to be judged again.
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
    // After the record: a run that is killed in between would else take its own result for an earlier run's.
    if repeats == 1 {
      var fingerprint: String?
      if case .ran = trial.result, let base = await base?.trial() {
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

  /// - Returns: `nil` if it cannot be made, for whatever reason: the series are then built whole, each with its own
  ///   result.
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
