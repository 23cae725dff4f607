// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// What a run would do, and about how long it would take.
public struct Forecast: Sendable, Hashable, Codable {
  /// What becomes of the base or of a series.
  public enum Work: Sendable, Hashable, Codable {
    /// A kept result is taken.
    case reuse
    /// It is run, with its image as it is.
    case run
    /// About so many objects are made, and it is run. `shared` of its patches are built together with other series'.
    case build(objects: Int, method: BuildWork.Method, shared: Int)
    /// A patch is refused.
    case refuse(ApplyFailure)
    /// It is built from nothing, and run.
    case buildAll
  }

  public struct Entry: Sendable, Hashable, Codable {
    /// `nil` is the base.
    public var series: String?
    public var work: Work
    /// Of work alone, as if nothing else ran.
    public var seconds: Double
  }

  public var cell: Cell
  public var accelerator: Accelerator?
  /// The base, then the series in the order in which they would be worked at.
  public var entries: [Entry]
  /// With as many at once as there is room for.
  public var seconds: Double

  init(cell: Cell, accelerator: Accelerator?, entries: [Entry], jobs: Int) {
    self.cell = cell
    self.accelerator = accelerator
    self.entries = entries
    // A build or a guest keeps about one processor busy; the base's build takes all there are, before anything else.
    let whole = entries.filter { $0.work == .buildAll }.map(\.seconds).reduce(0, +)
    let parts = entries.filter { $0.work != .buildAll }.map(\.seconds)
    seconds = whole + max(parts.max() ?? 0, parts.reduce(0, +) / Double(max(1, jobs)))
  }
}

extension BenchRun {
  /// Says what ``run()`` would do. Patches are applied in trees of their own, so that it is known which are refused;
  /// nothing is built, no guest is started, and no directory is made for the run.
  /// - Throws: as ``run()``.
  public func forecast() async throws -> Forecast {
    await plan.place.cache.sweep()
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      let series = try await read(into: scratch, cage: cage)
      let timings = Timings(plan.place.cache)
      let emulator = try await Emulator.version()
      guard
        let base = try await BaseBuild.find(plan.target.kernel, profile: plan.target.profile, cache: plan.place.cache)
      else {
        // Without the base's records nobody knows what a series will have compiled: one object a patch is the rule.
        let entries = [
          Forecast.Entry(series: nil, work: .buildAll, seconds: timings.baseSeconds + timings.guestSeconds)
        ]
        return Forecast(
          cell: plan.cell, accelerator: nil,
          entries: entries
            + series.map { one in
              if let refused = one.refused {
                return Forecast.Entry(series: one.series.name, work: .refuse(refused), seconds: 0)
              }
              let objects = one.series.patches.count
              return Forecast.Entry(
                series: one.series.name, work: .build(objects: objects, method: .kbuild, shared: 0),
                seconds: timings.buildSeconds(objects: objects) + timings.guestSeconds)
            }, jobs: plan.limits.resources.jobs)
      }
      // A run that has never probed KVM does so first, and one that has no test driver yet builds it; until then nobody
      // knows under which results will be kept.
      let accelerator = AcceleratorProbe.known(plan.target.accelerator, cache: plan.place.cache, emulator: emulator)
      let source = try await DriverSource(plan.checkout.driver)
      let driver = try base.knownDriver(source)
      let conditions = RunConditions(
        program: try await Self.programDigest(), base: base.key, driver: source.digest,
        guestBinary: try await Digest.of(file: plan.checkout.guestBinary), emulator: emulator,
        accelerator: accelerator ?? .tcg)
      let kept = try await TrialCache(
        plan, scratch: scratch, conditions: conditions, modules: driver?.modules,
        only: plan.choices.tests.isEmpty
          ? nil : try await TestListing.read(from: plan.checkout.guestBinary).names(plan.choices.tests),
        sandbox: cage?.description)
      let isFresh = plan.choices.fresh || accelerator == nil || driver == nil
      let keptBase = isFresh ? nil : kept.find(try await kept.key([]), for: nil, beside: nil)
      var fingerprint: String?
      if let keptBase { fingerprint = try await TrialCache.baseFingerprint(of: keptBase) }

      var entries = [
        Forecast.Entry(
          series: nil, work: keptBase == nil ? .run : .reuse, seconds: keptBase == nil ? timings.guestSeconds : 0)
      ]
      let planned = try await PlannedWork(series, cache: kept, base: base) { item in
        !isFresh && kept.find(item.key, for: item.one.series, beside: fingerprint) != nil
      }
      entries += planned.refused.map {
        Forecast.Entry(series: $0.series.series.name, work: .refuse($0.failure), seconds: 0)
      }
      entries += planned.kept.map { Forecast.Entry(series: $0.one.series.name, work: .reuse, seconds: 0) }
      let method = try await SeriesTree.method(scratch: scratch, cage: cage)
      for (number, item) in planned.pending.enumerated() {
        let tree = method == .copy ? nil : scratch.appending("tree-\(number)")
        entries.append(try await entry(item, base: base, method: method, cage: cage, tree: tree, timings: timings))
      }
      return Forecast(cell: plan.cell, accelerator: accelerator, entries: entries, jobs: plan.limits.resources.jobs)
    }
  }

  /// - Parameter tree: where the patches are tried; `nil` where a tree would be a copy of the base, which is too much
  ///   for a question.
  private func entry(
    _ item: WorkItem, base: BaseBuild, method: SeriesTree.Method, cage: Cage?, tree: FilePath?, timings: Timings
  ) async throws -> Forecast.Entry {
    let name = item.one.series.name
    if let tree {
      let place = try await SeriesTree.make(base, method: method, cage: cage, scratch: tree)
      if let refused = try await place.apply(item.one.series, diffs: item.one.diffs) {
        return Forecast.Entry(series: name, work: .refuse(refused), seconds: 1)
      }
    }
    let reach = try base.reach(of: Set(item.one.series.patches.flatMap(\.paths)))
    let build: BuildWork.Method =
      switch reach {
      case .nothing: .unchanged
      case .objects: .replay
      case .tree: .kbuild
      }
    let objects = reach.objectCount
    return Forecast.Entry(
      series: name, work: .build(objects: objects, method: build, shared: item.shared),
      // Whether what is compiled comes out as before, so that nothing is booted, is known only then.
      seconds: build == .unchanged ? 1 : timings.buildSeconds(objects: objects) + timings.guestSeconds)
  }
}
