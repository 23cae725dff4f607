// SPDX-License-Identifier: Apache-2.0

import Foundation
import Toolbox

/// The jobs of one run in Slurm's queue. They belong to the scope of ``with(name:environment:pace:_:)``: none outlives it.
actor SlurmQueue {
  /// How often it asks, and how long it is patient.
  struct Pace: Sendable {
    /// How long it waits before it asks again.
    var poll = Duration.seconds(1)
    /// Before it submits again what was refused for now, at first.
    var retry = Duration.seconds(1)
    /// Until it gives up a Slurm that does not answer or takes no jobs.
    var patience = Duration.seconds(900)
    /// Until it gives up a job that waits for what will not come.
    var hope = Duration.seconds(120)
  }

  /// What is new about a job.
  enum News: Sendable, Hashable {
    case job(SlurmJob)
    /// Slurm no longer knows it: it ended some time ago.
    case gone
    case hopeless(SlurmJob)
    case unreachable(String)
  }

  private struct Watched {
    var continuation: AsyncStream<News>.Continuation
    var last: News?
    var since = ContinuousClock.now
  }

  private let name: String
  private let environment: [String: String]
  private let pace: Pace
  private var watched: [String: Watched] = [:]

  private init(name: String, environment: [String: String], pace: Pace) {
    self.name = name
    self.environment = environment
    self.pace = pace
  }

  /// Passes a queue to `body`. Jobs of this name that were there before are cancelled first, and those that are left
  /// afterwards at the end, also when the task is cancelled.
  /// - Throws: ``SlurmError`` if Slurm cannot be used, and what `body` throws.
  static func with<Result: Sendable>(
    name: String, environment: [String: String], pace: Pace = Pace(),
    _ body: @Sendable (SlurmQueue) async throws -> Result
  ) async throws -> Result {
    let queue = SlurmQueue(name: name, environment: environment, pace: pace)
    // A run that was killed and is resumed now may have left some.
    try await queue.cancelAll()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await queue.poll() }
      defer { group.cancelAll() }
      do {
        let result = try await body(queue)
        try? await queue.cancelAll()
        return result
      } catch {
        try? await queue.cancelAll()
        throw error
      }
    }
  }

  /// Returns one of Slurm's tools.
  private func tool(_ program: String, _ words: [String]) -> Tool {
    // Jobs get sbatch's environment. With our mark in it, a node would take them for what a dead run left behind: the
    // mark's process is on another machine.
    Tool(program, words, environment: environment).started(by: "env", ["-u", ProcessMark.variable])
  }

  /// Runs a tool to its end, also when this task is cancelled.
  private func whole(_ tool: Tool) async throws(ToolError) -> ToolResult {
    try await Task { await Self.result(of: tool) }.value.get()
  }

  private static func result(of tool: Tool) async -> Result<ToolResult, ToolError> {
    do { return .success(try await tool.run(deadline: .seconds(120))) } catch { return .failure(error) }
  }

  private func cancelAll() async throws {
    // By their name: a job whose number sbatch could not tell us any more has it as well.
    let ended = try await whole(tool("scancel", ["--name=\(name)"]))
    if !ended.status.isSuccess { throw SlurmError.unreachable(SlurmError.words(ended.errors)) }
  }

  /// Cancels a job that Slurm would keep.
  func cancel(_ job: String) async { _ = try? await whole(tool("scancel", ["--quiet", job])) }

  /// Submits a job. If Slurm takes none for now, it waits and tries again.
  /// - Parameter refused: gets Slurm's words before each wait.
  /// - Returns: its number.
  /// - Throws: ``SlurmError/refused(_:)``, and ``ToolError`` if sbatch cannot be run.
  func submit(_ words: [String], refused: (String) -> Void) async throws -> String {
    let end = ContinuousClock.now + pace.patience
    var pause = pace.retry
    while true {
      try Task.checkCancellation()
      // To its end: Slurm may have taken the job already.
      let ended = try await whole(tool("sbatch", words))
      if ended.status.isSuccess, let number = SlurmJob.number(in: ended.output) { return number }
      let said = SlurmError.words(ended.errors)
      guard SlurmError.isTemporary(ended.errors), .now < end else { throw SlurmError.refused(said) }
      refused(said)
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(30))
    }
  }

  /// Returns what is new about a job, until nobody asks any more.
  func news(of job: String) -> AsyncStream<News> {
    let (stream, continuation) = AsyncStream.makeStream(of: News.self)
    watched[job] = Watched(continuation: continuation)
    return stream
  }

  func forget(_ job: String) { watched.removeValue(forKey: job)?.continuation.finish() }

  /// Asks for all jobs at once, again and again.
  private func poll() async throws {
    var answered = ContinuousClock.now
    var pause = pace.poll
    while true {
      try await Task.sleep(for: pause)
      // Those that are submitted after squeue has begun are not in its answer.
      let asked = Array(watched.keys)
      let begun = ContinuousClock.now
      if asked.isEmpty {
        answered = begun
        continue
      }
      do {
        let text = try await tool(
          "squeue", ["--noheader", "--states=all", "--name=\(name)", "--format=\(SlurmJob.format)"]
        ).output(deadline: .seconds(120))
        let jobs = SlurmJob.jobs(in: text)
        for job in asked { tell(job, jobs[job].map(News.job) ?? .gone) }
        answered = .now
      } catch ToolError.cancelled {
        throw CancellationError()
      } catch {
        // Jobs go on while the controller restarts.
        let words = if case .failed(_, _, let output) = error { SlurmError.words(output) } else { "\(error)" }
        if .now - answered > pace.patience { for job in asked { tell(job, .unreachable(words)) } }
      }
      // A busy controller is not asked more often than it can answer.
      pause = max(pace.poll, (.now - begun) * 20)
    }
  }

  private func tell(_ job: String, _ news: News) {
    guard var one = watched[job] else { return }
    if one.last != news {
      one.last = news
      one.since = .now
      one.continuation.yield(news)
    } else if case .job(let row) = news, row.isHopeless, .now - one.since > pace.hope {
      one.continuation.yield(.hopeless(row))
    }
    watched[job] = one
  }

  /// Returns the last state that Slurm's accounting knows, if there is such accounting.
  func accounted(_ job: String) async -> SlurmState? {
    let tool = tool("sacct", ["--noheader", "--parsable2", "--allocations", "--jobs=\(job)", "--format=State"])
    guard let text = try? await tool.output(deadline: .seconds(60)) else { return nil }
    return text.split(separator: "\n").last.flatMap { SlurmState($0) }
  }
}
