// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import Toolbox

/// Runs each trial as a job of Slurm's, which gets an order and nothing else.
///
/// What Slurm does to a job never is a verdict on a series. A job that was lost with its node is submitted again; one that
/// ended in any other way without a trial is a fault of the harness, in Slurm's words.
struct SlurmExecutor: TrialExecutor {
  var queue: SlurmQueue
  var submission: SlurmSubmission
  /// The base's order.
  var order: TrialOrder
  var turns: Capacity
  /// How many jobs may be in Slurm's queue. Series that wait for the base have a turn and no place.
  var places: Capacity
  var events: EventHub
  /// How long a trial that is written on a node may take to be seen here: shared file systems cache what is not there.
  var visibility = Duration.seconds(60)

  let sharesPatches = false

  /// How often a trial is submitted again after Slurm lost its job for good.
  private static let chances = 2

  func runBase(evidence: FilePath) async throws -> Trial { try await run(order, in: evidence) }

  func run(
    _ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath
  ) async throws -> Trial {
    guard let whole = await base.trial() else { return order.trial(of: one.series.name, .interrupted) }
    return try await run(try await order.of(one, in: evidence, base: whole), in: evidence)
  }

  private func run(_ order: TrialOrder, in evidence: FilePath) async throws -> Trial {
    let name = order.series?.series.name
    let starts = SlurmStarts(evidence: evidence)
    try order.write(to: TrialOrder.file(in: evidence))
    let place = try await places.acquire()
    defer { places.release(place) }
    events.send(.stageStarted(series: name, stage: .build))
    var losses = 0
    while true {
      let job = try await queue.submit(submission.words(evidence: evidence)) {
        tell("Slurm takes no job for now: \($0)", of: name)
      }
      tell("Slurm's job \(job)", of: name)
      let end = try await end(of: job, name)
      // A job that had written its trial before something happened to it did its work.
      if let trial = try await starts.take(patience: end.fate == .completed ? visibility : .zero) { return trial }
      if end.fate == .lost, losses < Self.chances {
        losses += 1
        await queue.cancel(job)
        tell("Slurm's job \(job) was lost: \(end.words); submitted again", of: name)
        continue
      }
      if end.fate == .lost { await queue.cancel(job) }
      return order.trial(of: name, .fault(await fault(job, end, starts)))
    }
  }

  private func tell(_ text: String, of series: String?) {
    events.send(.progress(series: series, stage: .build, text: text))
  }

  /// How a job ended.
  private struct End {
    var fate: SlurmState.Fate
    var words: String
    var state: String?
  }

  /// Waits until a job has ended.
  private func end(of job: String, _ series: String?) async throws -> End {
    let stream = await queue.news(of: job)
    do {
      let end = try await end(of: job, series, stream)
      await queue.forget(job)
      return end
    } catch {
      await queue.forget(job)
      throw error
    }
  }

  private func end(
    of job: String, _ series: String?, _ stream: AsyncStream<SlurmQueue.News>
  ) async throws -> End {
    var ran = false
    for await news in stream {
      switch news {
      case .unreachable(let words): throw SlurmError.unreachable(words)
      case .hopeless(let row): throw SlurmError.hopeless(job: job, reason: row.reason)
      case .gone:
        let state = await queue.accounted(job)
        let words = state.map { "\($0.name)" } ?? "it is no longer in Slurm's queue"
        let fate = state?.fate ?? .lost
        return End(fate: fate == .waits || fate == .runs ? .lost : fate, words: words, state: state?.name)
      case .job(let row):
        switch row.state.fate {
        case .runs:
          ran = true
          tell("Slurm's job \(job) on \(row.nodes)", of: series)
        case .waits where row.isHeldByFailure: return End(fate: .lost, words: row.words, state: row.state.name)
        case .waits:
          tell("Slurm's job \(job) is \(ran ? "requeued" : "queued"): \(row.words)", of: series)
        case .completed, .lost, .failed: return End(fate: row.state.fate, words: row.words, state: row.state.name)
        }
      }
    }
    throw CancellationError()
  }

  private func fault(_ job: String, _ end: End, _ starts: SlurmStarts) async -> HarnessFault {
    let said = await starts.lastWords(of: job)
    let advice: String? =
      switch end.state {
      case "OUT_OF_MEMORY": "--memory asks for more for each job"
      case "TIMEOUT", "DEADLINE": "SBATCH_TIMELIMIT gives each job more time"
      case "CANCELLED": "run it again; `scontrol show job \(job)` may know who cancelled it"
      case _ where end.fate == .lost: "`sinfo -R` says what is wrong with the nodes"
      case _ where said == nil:
        "the checkout, the cache and the run's directory must be on a file system that all nodes share"
      default: nil
      }
    return HarnessFault(
      stage: .build,
      message: "Slurm's job \(job) ended without a trial: \(end.words)" + (said.map { ": \($0)" } ?? ""),
      advice: advice)
  }
}

/// The directories of a trial's starts, next to its order: one for each time that Slurm started a job for it.
struct SlurmStarts: Sendable {
  var evidence: FilePath

  private func names() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: evidence.string)) ?? []).filter { $0.hasPrefix("slurm-") }
  }

  /// Finds a whole trial, and moves it and its evidence to where every other executor leaves them. All other starts are
  /// removed.
  /// - Parameter patience: how long a trial may take to appear.
  /// - Returns: `nil` if no start has a whole trial.
  func take(patience: Duration) async throws -> Trial? {
    let end = ContinuousClock.now + patience
    var pause = Duration.milliseconds(100)
    while true {
      if let trial = try await Blocking.run({ Result { try taken() } }).get() { return trial }
      if .now >= end { return nil }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(5))
    }
  }

  private func taken() throws -> Trial? {
    let manager = FileManager.default
    let starts = names().filter { !$0.hasSuffix(".out") }
    for start in starts.sorted(by: Self.isLater) {
      let place = evidence.appending(start)
      guard let trial = TrialOrder.trial(in: place) else { continue }
      // The trial itself comes last, because it says that all is there.
      let result = TrialOrder.result(in: place).lastComponent!.string
      let files = try manager.contentsOfDirectory(atPath: place.string).filter { $0 != result }
      for file in files + [result] {
        let target = evidence.appending(file).string
        // The diffs are there already.
        if manager.fileExists(atPath: target) { continue }
        try manager.moveItem(atPath: place.appending(file).string, toPath: target)
      }
      for other in starts { try? manager.removeItem(atPath: evidence.appending(other).string) }
      return trial
    }
    return nil
  }

  /// Orders `slurm-JOB-RESTART` by their numbers, the last one first.
  private static func isLater(_ one: String, _ other: String) -> Bool {
    func numbers(_ name: String) -> [Int] { name.split(separator: "-").compactMap { Int($0) } }
    return numbers(other).lexicographicallyPrecedes(numbers(one))
  }

  /// Returns the error that a job's last start printed; `nil` if it printed nothing.
  func lastWords(of job: String) async -> String? {
    await Blocking.run {
      let logs = names().filter { $0.hasPrefix("slurm-\(job)-") && $0.hasSuffix(".out") }
      guard let last = logs.max(), let data = FileManager.default.contents(atPath: evidence.appending(last).string)
      else { return nil }
      let lines = String(decoding: data.suffix(8 << 10), as: UTF8.self).split(separator: "\n")
      let words = lines.last { $0.hasPrefix("patchbench: ") } ?? lines.last { !$0.allSatisfy(\.isWhitespace) }
      return words.map { String($0.prefix(500)) }
    }
  }
}
