import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// Takes the base and all series of a run through their trials, several at once: while one's guest runs the next is
/// built. What was judged before under the same conditions is not judged again.
struct Pipeline: Sendable {
  var trials: TrialRunner
  var kept: KeptTrials
  var directory: RunDirectory
  var scratch: FilePath
  /// Judge all again.
  var fresh: Bool

  private var events: EventHub { trials.events }
  private var repeats: Int { trials.persistence.repeats }

  /// - Throws: only when the run was cancelled, or if the work could not be planned.
  func run(_ series: [ReadSeries]) async throws {
    let baseKey = try await kept.key([])
    var pending: [WorkItem] = []
    let base = BaseTrials()
    let keptBase = reuse(baseKey, nil)
    if let keptBase { base.fulfil(keptBase) }
    for one in series {
      let item = try await WorkItem(one, kept: kept)
      if reuse(item.key, one.series) == nil { pending.append(item) }
    }
    // Only an order needs it.
    if pending.count > 1 {
      for index in pending.indices {
        pending[index].objects = try trials.base.objectCounts(of: pending[index].one.series)
      }
    }
    try await withThrowingDiscardingTaskGroup { group in
      // First, because every verdict waits for it.
      if keptBase == nil {
        group.addTask {
          // Whoever waits for the base must not wait for ever.
          defer { base.fulfil(nil) }
          let trial = try await trials.runBase(evidence: directory.evidence(nil))
          base.fulfil(trial)
          finish(trial, baseKey)
        }
      }
      for number in 1..<max(1, repeats) {
        group.addTask {
          let evidence = directory.evidence(nil).appending("repeat-\(number < 10 ? "0" : "")\(number)")
          try FileManager.default.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
          events.send(.baseRepeated(try await trials.runBase(evidence: evidence)))
        }
      }
      var layer: (key: [String], tree: Layer?)?
      let order = WorkPlan.order(pending)
      for (number, item) in order.enumerated() {
        if item.shared == 0 {
          layer = nil
        } else if layer?.key != item.layer {
          layer = (item.layer, try await makeLayer(item, number: number, users: order.count { $0.layer == item.layer }))
        }
        // Taken here and not by the task, so that their turns come in this order.
        let place = try await trials.resources.series.acquire()
        group.addTask { [layer] in
          defer { trials.resources.series.release(place) }
          let evidence = directory.evidence(item.one.series.name)
          finish(try await trials.run(item.one, on: layer?.tree, base: base, evidence: evidence), item.key)
        }
      }
    }
  }

  /// Takes a kept result, unless all is to be judged again.
  /// - Returns: `nil` if there is none.
  private func reuse(_ key: String, _ series: PatchSeries?) -> Trial? {
    guard !fresh, repeats == 1, let trial = kept.reuse(key, as: series, evidence: directory.evidence(series?.name))
    else { return nil }
    events.send(.trialFinished(trial))
    return trial
  }

  private func finish(_ trial: Trial, _ key: String) {
    if repeats == 1 { kept.keep(trial, key, evidence: directory.evidence(trial.series)) }
    events.send(.trialFinished(trial))
    Allocator.trim()
  }

  /// - Returns: `nil` if it cannot be made, for whatever reason: the series are then built whole, each with its own
  ///   result.
  private func makeLayer(_ item: WorkItem, number: Int, users: Int) async throws -> Layer? {
    let name = item.one.series.name
    events.send(.stageStarted(series: name, stage: .build))
    do {
      return try await trials.resources.build {
        try await Layer.make(
          item.one, patches: item.shared, for: users, on: trials.base, method: trials.method,
          jobs: trials.resources.jobs, scratch: scratch.appending("layer-\(number)")
        ) { events.send(.progress(series: name, stage: .build, text: "shared patches: \($0)")) }
      }
    } catch {
      if error.isCancellation { throw CancellationError() }
      return nil
    }
  }
}
