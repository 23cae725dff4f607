// SPDX-License-Identifier: Apache-2.0

import Bench
import Foundation
import History
import Nights
import SystemPackage
import Toolbox
import Verdicts

/// Removes what has become too old or too big from a state directory: evidence, and then rows.
///
/// The order of each step makes it safe to end it at any moment, and to go on: `pruned.json` promises what goes, then
/// the history is told, then the files go, then the report is made again without links to them.
struct Pruning {
  var state: FilePath
  var limits: KeepLimits
  /// Only the nights of this matrix file, by its absolute path; `nil` is all.
  var matrix: String?

  /// What went, or would go.
  struct Outcome: Codable {
    var plan: RetentionPlan
    /// The space that it takes, in bytes.
    var bytes: Int64
    /// What could not be removed.
    var failures: [Failed]
    var isDone: Bool
  }

  struct Failed: Codable {
    var directory: String
    var reason: String
  }

  /// What would go now. Nothing is changed.
  func plan() async throws -> Outcome {
    let (plan, failures) = try await look(StateOptions.history(in: state))
    return Outcome(plan: plan, bytes: plan.bytes, failures: failures, isDone: false)
  }

  /// Removes it. Two at once work one after the other.
  /// - Throws: `CancellationError` if it was stopped; what has gone by then is gone.
  func work() async throws -> Outcome {
    let lock = try await claim()
    defer { lock.release() }
    // Only for those who wait. A full disk may have no room for it.
    try? lock.sign()
    try await makeRoom()
    let store = try await StateOptions.history(in: state)
    var (plan, failures) = try await look(store)
    var left: [RetentionPlan.Step] = []
    for step in plan.steps {
      try Task.checkCancellation()
      if failures.contains(where: { $0.directory == step.directory }) {
        left.append(step)
        continue
      }
      do { try await take(step, store) } catch {
        if error is CancellationError { throw error }
        failures.append(Failed(directory: step.directory, reason: Failure(error).message))
        left.append(step)
      }
    }
    plan.steps.removeAll(where: left.contains)
    plan.staying += left.map(\.bytes).reduce(0, +)
    try await removeEmptyNights()
    return Outcome(plan: plan, bytes: plan.bytes, failures: failures, isDone: true)
  }

  private func claim() async throws -> FileLock {
    let path = state.appending("prune.lock")
    do {
      return try await FileLock.wait(path, .exclusive) {
        let process = FileLock.signer(path).map { " in process \($0)" } ?? ""
        Output.note("patchbench: waiting for another prune\(process)")
      }
    } catch let error as Errno {
      throw Failure("\(path): \(error)", status: ExitStatus.inconclusive)
    }
  }

  /// What the history and the first promise need, in bytes.
  private static let room: Int64 = 1 << 20

  /// On a full disk, not even the history can be opened. Then the pages of the oldest nights make room. They are made
  /// again from the records.
  private func makeRoom() async throws {
    let nights = try await KeptNights(in: state, matrix: matrix)
    let state = state
    await Blocking.run {
      let old = nights.all.filter { nights.isAsked($0.value) && !nights.isProtected($0.key) }
      for (name, night) in old.sorted(by: { $0.value.began < $1.value.began }) {
        for run in night.runs {
          if DiskSpace.free(at: state) >= Self.room { return }
          if RunDirectory(Night.place(state).appending(name).appending(run)).isClaimed { continue }
          // If it cannot be removed, the disk stays full, and that is told.
          try? OwnTree(state).remove(["nights", name, run, "report.html"])
        }
      }
    }
  }

  // MARK: - Looking

  private func look(_ store: HistoryStore) async throws -> (RetentionPlan, [Failed]) {
    let (state, nights) = (state, try await KeptNights(in: state, matrix: matrix))
    let limits = limits
    return try await Blocking.run {
      Result {
        var failures: [Failed] = []
        let runs = try store.keptRuns().map { run in
          var run = run
          do { try KeptFiles(state, nights).measure(&run) } catch {
            run.place = .other
            failures.append(Failed(directory: run.directory, reason: Failure(error).message))
          }
          return run
        }
        return (RetentionPlan(runs, limits: limits, now: Date()), failures)
      }
    }.get()
  }

  // MARK: - Removing

  private func take(_ step: RetentionPlan.Step, _ store: HistoryStore) async throws {
    let directory = RunDirectory(FilePath(step.directory))
    if step.isInNight, FileManager.default.fileExists(atPath: step.directory) {
      let names = KeptFiles.names(of: step.directory)
      let state = state
      try await Blocking.run {
        Result {
          let tree = OwnTree(state)
          // What cannot be read cannot be rendered again.
          if !step.rows { _ = try directory.record() }
          for name in ["lock", "\(PrunedRun.name).partial", "report.html.partial"] {
            _ = try tree.bytes(of: names + [name])
          }
          // It is made again, and on a full disk it leaves room for what must be written before a file goes.
          if !directory.isClaimed { try tree.remove(names + ["report.html"]) }
          let claim = try directory.claim()
          defer { directory.release(claim) }
          var pruned = try PrunedRun(in: directory.path)
          let patches = try store.patches(ofRun: step.run)
          for name in step.series { pruned.series[name] = pruned.series[name] ?? patches[name] ?? [] }
          pruned.rest = pruned.rest || step.base
          pruned.rows = pruned.rows || step.rows
          try pruned.write(in: directory.path)
          try store.noteGone(ofRun: step.run, series: step.series, base: step.base)
          for name in step.series { try tree.remove(names + ["series", name]) }
          if step.base { for name in KeptFiles.rest { try tree.remove(names + [name]) } }
          if step.rows {
            // Without its record, it is no run any more. What it promises goes last.
            try tree.remove(names, order: (["events.jsonl"], [PrunedRun.name]))
          }
        }
      }.get()
      if !step.rows { try ReportFiles.renewLinks(in: directory) }
    }
    if step.rows { try await Blocking.run { Result { try store.forget(run: step.run) } }.get() }
  }

  /// Removes the directories of nights all of whose runs have gone.
  private func removeEmptyNights() async throws {
    let nights = try await KeptNights(in: state, matrix: matrix)
    let state = state
    try await Blocking.run {
      Result {
        for (name, night) in nights.all where !nights.isProtected(name) && nights.isAsked(night) {
          let place = Night.place(state).appending(name)
          let isThere = { (run: String) in FileManager.default.fileExists(atPath: place.appending(run).string) }
          if !night.runs.isEmpty, !night.runs.contains(where: isThere) {
            try OwnTree(state).remove(["nights", name], order: ([], ["night.json"]))
          }
        }
      }
    }.get()
  }
}
