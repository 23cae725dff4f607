// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import Toolbox

/// How long things took on this machine, in seconds, to forecast how long a run will take. `nil` if nothing is known.
struct Timings: Codable, Sendable, Hashable {
  /// Building a base from scratch.
  var base: Double?
  /// One object, with all compilers at work.
  var object: Double?
  /// What a build takes besides its objects: applying patches, configuring, linking, and examining what changed.
  var link: Double?
  /// A guest from its start to its end, all tests included.
  var guest: Double?
  /// A base's boot up to its first output, by accelerator.
  var boot: [String: Double]?

  /// The values for an emulated guest and a 6.12 kernel on two cores, for a machine that has not run anything yet.
  private static let guess = Timings(base: 330, object: 0.4, link: 4, guest: 15)

  /// With fewer objects than this, the time says nothing about the objects themselves.
  private static let fewObjects = 8

  /// Learns from a trial. A new value counts as much as all earlier ones together, because machines and suites change.
  /// - Parameter isWhole: whether its guest ran all tests.
  mutating func learn(_ trial: Trial, isWhole: Bool) {
    guard !trial.reused else { return }
    func blend(_ known: inout Double?, _ seen: Double?) {
      guard let seen, seen.isFinite, seen >= 0 else { return }
      known = known.map { ($0 + seen) / 2 } ?? seen
    }
    let seconds = trial.seconds
    if trial.series == nil {
      blend(&base, seconds.build)
    } else if let work = trial.work, work.method != .unchanged {
      let made = work.objects - work.cached
      if made >= Self.fewObjects { blend(&object, seconds[.compile].map { $0 / Double(made) }) }
      blend(
        &link,
        seconds[.link].map { $0 + (seconds[.configure] ?? 0) + (seconds[.apply] ?? 0) + (seconds[.examine] ?? 0) })
    }
    if trial.series == nil, case .ran(let run) = trial.result, run.booted, let seen = seconds[.boot], seen.isFinite,
      seen > 0
    {
      let known = boot?[run.accelerator.rawValue]
      boot = (boot ?? [:]).merging([run.accelerator.rawValue: known.map { ($0 + seen) / 2 } ?? seen]) { $1 }
    }
    // A trial with reruns took several guests.
    if isWhole, trial.again == nil, case .ran(let run) = trial.result, run.ending == .completed,
      let boot = seconds[.boot], let tests = seconds[.tests]
    {
      blend(&guest, boot + tests + (seconds[.start] ?? 0) + (seconds[.collect] ?? 0))
    }
  }

  var baseSeconds: Double { base ?? Self.guess.base! }
  var guestSeconds: Double { guest ?? Self.guess.guest! }
  func buildSeconds(objects: Int) -> Double {
    Double(objects) * (object ?? Self.guess.object!) + (link ?? Self.guess.link!)
  }

  /// How long a trial that runs all tests will take, as far as this machine has seen the like.
  /// - Parameters:
  ///   - series: `nil` is the base, which is already built.
  ///   - objects: how many are compiled; `nil` if that is not known.
  func expected(_ series: String?, objects: Int?, extent: Cell.Extent) -> BenchEvent.Kind {
    let build: Double? = series == nil ? 0 : link == nil ? nil : objects.map(buildSeconds)
    return .expected(series: series, build: build, tests: extent == .boot ? guest : 0)
  }

  private static func file(_ cache: Cache) -> FilePath { cache.root.appending("machine").appending("timings.json") }

  init(base: Double? = nil, object: Double? = nil, link: Double? = nil, guest: Double? = nil) {
    self.base = base
    self.object = object
    self.link = link
    self.guest = guest
  }

  /// Reads what is known on this machine. If nothing is, all values are `nil`.
  init(_ cache: Cache) {
    let data = FileManager.default.contents(atPath: Self.file(cache).string)
    self = data.flatMap { try? JSONDecoder().decode(Timings.self, from: $0) } ?? Timings()
  }

  /// Saves the timings. If that fails, only an estimate is lost.
  func save(_ cache: Cache) {
    try? JSONEncoder().encode(self).write(to: URL(filePath: Self.file(cache).string), options: .atomic)
  }
}

/// Learns from a run's trials, and saves the timings at the end of the run.
final class TimingsLearner: EventSink {
  private let cache: Cache
  private let timings: Locked<Timings>
  /// Whether the run has all tests. For a resumed run it is not known, and stays false.
  private let isWhole = Locked(false)

  init(_ cache: Cache) {
    self.cache = cache
    timings = Locked(Timings(cache))
  }

  func take(_ event: BenchEvent) {
    switch event.kind {
    case .runStarted(let header): isWhole.withLock { $0 = header.only == nil }
    case .trialFinished(let trial):
      let isWhole = isWhole.withLock { $0 }
      timings.withLock { $0.learn(trial, isWhole: isWhole) }
    case .runFinished: timings.withLock { $0 }.save(cache)
    case .stageStarted, .progress, .worse, .expected, .retrying, .baseRepeated, .baseTriedAgain, .stateRead,
      .runResumed, .reported:
      break
    }
  }
}
