// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation

/// What the jobs of a run are doing, a line for each, for a terminal while the run lasts:
///
///     2 of 7  virtio-gpu-share…address-space  tests 140/276  retry 2/3  about 0:40 left
///
/// What is not known, such as the time left on a machine that has not run anything yet, is left out.
public struct RunningJobs: Sendable {
  private struct Job {
    /// `nil` is the base.
    var series: String?
    /// In the order in which series begin; `nil` for the base.
    var number: Int?
    var stage: Stage
    /// When it began.
    var began: Date
    /// When its stage began.
    var since: Date
    /// What the stage says of itself; not escaped.
    var detail: String?
    var tests: (number: Int, of: Int)?
    var retry: (number: Int, of: Int, began: Date)?
    /// Whether its tests have run. What follows takes a time that nobody knows.
    var wasTested = false
  }

  private var total: Int
  private var begun = 0
  private var jobs: [Job] = []
  private var expected: [String?: (build: Double?, tests: Double?)] = [:]

  /// - Parameter total: how many series the run has.
  public init(total: Int) { self.total = total }

  public mutating func take(_ event: BenchEvent) {
    switch event.kind {
    case .expected(let series, let build, let tests): expected[series] = (build, tests)
    case .stageStarted(let series, let stage): begin(stage, of: series, at: event.at)
    case .progress(let series, let stage, let text):
      let index = index(of: series, stage, at: event.at)
      if jobs[index].stage != stage { begin(stage, of: series, at: event.at) }
      jobs[index].detail = text
      if stage == .tests { jobs[index].tests = Self.tests(in: text) ?? jobs[index].tests }
    case .retrying(let series, let number, let of):
      let index = index(of: series, .boot, at: event.at)
      let began = number == 1 ? event.at : jobs[index].retry?.began ?? event.at
      jobs[index].retry = (number, of, began)
    case .trialFinished(let trial):
      if trial.series != nil, !jobs.contains(where: { $0.series == trial.series }) { begun += 1 }
      jobs.removeAll { $0.series == trial.series }
    case .baseRepeated, .baseTriedAgain: jobs.removeAll { $0.series == nil }
    case .runFinished: jobs = []
    case .runStarted, .runResumed, .stateRead, .worse, .reported: break
    }
  }

  /// Returns a line for each job, none of which is wider than `width` columns.
  public func lines(at now: Date, width: Int) -> [String] {
    jobs.map { job in
      let number = job.number.map { "\($0) of \(max(total, begun))" }
      let retry = job.retry.map { "retry \($0.number)/\($0.of)" }
      let left = left(of: job, at: now).flatMap(Self.clock).map { "about \($0) left" }
      let others = [number, words(job), retry, left].compactMap { $0 }
      let taken = others.reduce(0) { $0 + Columns.width(of: $1) + 2 }
      let name = Columns.middle(visible(job.series ?? "base"), to: max(12, min(30, width - taken)))
      let parts = [number, name, words(job), retry, left].compactMap { $0 }
      return Columns.cut(parts.joined(separator: "  "), to: width)
    }
  }

  private mutating func begin(_ stage: Stage, of series: String?, at now: Date) {
    let index = index(of: series, stage, at: now)
    jobs[index].stage = stage
    jobs[index].since = now
    jobs[index].detail = nil
    jobs[index].tests = nil
    switch stage {
    case .apply, .build: jobs[index].retry = nil
    case .tests: jobs[index].wasTested = true
    case .boot, .done: break
    }
  }

  /// Returns the place of a job, which begins if it is not there.
  private mutating func index(of series: String?, _ stage: Stage, at now: Date) -> Int {
    if let index = jobs.firstIndex(where: { $0.series == series }) { return index }
    if series != nil { begun += 1 }
    jobs.append(Job(series: series, number: series == nil ? nil : begun, stage: stage, began: now, since: now))
    return jobs.count - 1
  }

  /// `tests 140/276`, `build: each patch`
  private func words(_ job: Job) -> String {
    if let tests = job.tests { return "\(job.stage.rawValue) \(tests.number)/\(tests.of)" }
    return job.stage.rawValue + (job.detail.map { ": \(visible($0))" } ?? "")
  }

  /// How many seconds a job takes yet; `nil` if that is not known.
  private func left(of job: Job, at now: Date) -> Double? {
    let spent = now.timeIntervalSince(job.since)
    if let retry = job.retry {
      guard retry.number > 1 else { return nil }
      return now.timeIntervalSince(retry.began) / Double(retry.number - 1) * Double(retry.of - retry.number + 1)
    }
    let known = expected[job.series]
    switch job.stage {
    case .apply, .build:
      guard !job.wasTested, let build = known?.build, let tests = known?.tests else { return nil }
      return max(0, build - now.timeIntervalSince(job.began)) + tests
    case .boot: return job.wasTested ? nil : known?.tests.map { $0 - spent }
    case .tests:
      // Soon, its own pace says more than how long others took.
      if let tests = job.tests, tests.number > Self.pace, spent > 0 {
        return spent / Double(tests.number - 1) * Double(tests.of - tests.number + 1)
      }
      return known?.tests.map { $0 - spent }
    case .done: return nil
    }
  }

  /// After how many tests a guest's own pace counts.
  private static let pace = 20

  /// Reads `140/276 NAME`.
  private static func tests(in text: String) -> (number: Int, of: Int)? {
    let numbers = text.prefix { $0 != " " }.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let of = numbers[1], number > 0, of >= number else { return nil }
    return (number, of)
  }

  /// `0:40`
  private static func clock(_ seconds: Double) -> String? {
    guard let seconds = Cost.known(seconds), seconds >= 1 else { return nil }
    let whole = Int(seconds.rounded())
    return "\(whole / 60):\(whole % 60 < 10 ? "0" : "")\(whole % 60)"
  }
}
