// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// What a run would do, and roughly how long it would take.
public struct Forecast: Sendable, Hashable, Codable {
  /// The work for the base or for one series.
  public enum Work: Sendable, Hashable, Codable {
    /// A cached result is reused.
    case reuse
    /// Its existing image is booted and tested.
    case run
    /// About this many objects are compiled, and it is booted and tested. `shared` of its patches are built together
    /// with other series.
    case build(objects: Int, method: BuildWork.Method, shared: Int)
    /// A patch does not apply.
    case refuse(ApplyFailure)
    /// It is built from scratch, booted and tested.
    case buildAll
  }

  public struct Entry: Sendable, Hashable, Codable {
    /// `nil` is the base.
    public var series: String?
    public var work: Work
    /// How long the work takes if nothing else runs.
    public var seconds: Double
    /// After how many of its patches tests run as well, unless the whole series is worse than the base.
    public var patches = 0
    /// What a reader should know of the way the series was read.
    public var notes: [String] = []
  }

  public var cell: Cell
  public var accelerator: Accelerator?
  /// Why this base; `nil` if that is not worth telling.
  public var choice: BaseChoice?
  /// How well the base fits each series, by name; `nil` if the base is not built yet.
  public var fits: [String: BaseFit]?
  /// The base, then the series in the order in which they would be tried.
  public var entries: [Entry]
  /// How long the run takes, with as much in parallel as fits.
  public var seconds: Double

  /// Which base would be taken, why, and how many series apply to it; `nil` if that is not worth telling.
  public var baseWords: String? {
    let isTried = !entries.contains { $0.work == .buildAll }
    let applied = entries.filter { $0.series != nil }.map { if case .refuse = $0.work { false } else { true } }
    return choice?.words(cell.kernel, applied: isTried ? applied : [])
  }

  /// Whether a series does not apply.
  public var refuses: Bool { entries.contains { if case .refuse = $0.work { true } else { false } } }

  init(cell: Cell, accelerator: Accelerator?, entries: [Entry], series: [PatchSeries], jobs: Int) {
    self.cell = cell
    self.accelerator = accelerator
    let notes = Dictionary(uniqueKeysWithValues: series.map { ($0.name, $0.told) })
    self.entries = entries.map { entry in
      var entry = entry
      entry.notes = entry.series.flatMap { notes[$0] } ?? []
      return entry
    }
    // A build or a guest keeps about one CPU busy. The base is built first, and its build uses all CPUs.
    let whole = entries.filter { $0.work == .buildAll }.map(\.seconds).reduce(0, +)
    let parts = entries.filter { $0.work != .buildAll }.map(\.seconds)
    seconds = whole + max(parts.max() ?? 0, parts.reduce(0, +) / Double(max(1, jobs)))
  }
}

extension PatchSeries {
  /// What a reader should know of the way it was read, and what it stands on.
  fileprivate var told: [String] { (origin?.notes ?? []) + [prerequisiteWords].compactMap { $0 } }
}

extension BenchRun {
  /// Returns what ``run()`` would do.
  ///
  /// Patches are applied in separate trees, to find out which do not apply. Nothing is built, no guest is started, and
  /// no directory is created for the run.
  /// - Throws: the same errors as ``run()``.
  public func forecast() async throws -> Forecast {
    await plan.place.cache.sweep()
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      var series = try await read(into: scratch, cage: cage)
      var timings = Timings(plan.place.cache)
      if plan.cell.extent == .build { timings.guest = 0 }
      let architecture = plan.target.profile.architecture
      let emulator = try await Emulator.version(for: architecture)
      guard
        let base = try await BaseBuild.find(plan.target.kernel, profile: plan.target.profile, cache: plan.place.cache)
      else {
        // Without the base's build records, it is not known what a series will compile. Assume one object per patch.
        let entries = [
          Forecast.Entry(series: nil, work: .buildAll, seconds: timings.baseSeconds + timings.guestSeconds)
        ]
        var forecast = Forecast(
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
            }, series: series.map(\.series), jobs: plan.limits.resources.jobs)
        forecast.choice = plan.target.choice
        return forecast
      }
      let fitting = BaseFitting(base, kernel: plan.target.kernel.name, cage: cage)
      series = try await series.concurrentMap(limit: plan.limits.resources.jobs) { try await fitting.usable($0) }
      // If KVM was never probed, the run probes it first. If there is no test driver yet, the run builds it first.
      // Until then, the cache keys are not known.
      let accelerator = AcceleratorProbe.known(
        plan.target.accelerator, for: architecture, cache: plan.place.cache, emulator: emulator)
      let source = try await DriverSource(plan.checkout.driver)
      let driver = try base.knownDriver(source)
      let conditions = RunConditions(
        program: try await Self.programDigest(), base: base.key, driver: source.digest,
        guestBinary: try await Digest.of(file: plan.checkout.guestBinary(for: architecture)), emulator: emulator,
        accelerator: accelerator ?? .tcg, devices: plan.checkout.suite.devices)
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
      var forecast = Forecast(
        cell: plan.cell, accelerator: accelerator, entries: entries, series: series.map(\.series),
        jobs: plan.limits.resources.jobs)
      forecast.choice = plan.target.choice
      forecast.fits = try await fitting.fits(series)
      for index in forecast.entries.indices {
        guard let fit = forecast.entries[index].series.flatMap({ forecast.fits?[$0]?.words }) else { continue }
        forecast.entries[index].notes.append(fit)
      }
      return forecast
    }
  }

  /// Returns the work for one series.
  /// - Parameter tree: where to apply the patches; `nil` if a tree would be a copy of the base, which is too expensive
  ///   for a forecast.
  private func entry(
    _ item: WorkItem, base: BaseBuild, method: SeriesTree.Method, cage: Cage?, tree: FilePath?, timings: Timings
  ) async throws -> Forecast.Entry {
    let name = item.one.series.name
    if let tree {
      let place = try await SeriesTree.make(base, method: method, cage: cage, scratch: tree)
      if let refused = try await place.apply(item.one.series, diffs: item.one.diffs) {
        let others = UnpackedKernel.all(definedIn: plan.checkout.kernels, cache: plan.place.cache, besides: base)
        let failure = try await place.diagnosed(refused, of: item.one.series, diffs: item.one.diffs, others: others)
        return Forecast.Entry(series: name, work: .refuse(failure), seconds: 1)
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
    let patches = method == .copy && plan.choices.eachPatch != .test ? 0 : try tried(item.one.series, base)
    // A few tests take about as long as the guest's boot.
    let each =
      timings.buildSeconds(objects: objects) + timings.guestSeconds * (plan.choices.eachPatch == .test ? 1 : 0.2)
    return Forecast.Entry(
      series: name, work: .build(objects: objects, method: build, shared: item.shared),
      // Only the build can tell whether the code comes out the same, so that nothing has to be booted.
      seconds: (build == .unchanged ? 1 : timings.buildSeconds(objects: objects) + timings.guestSeconds)
        + Double(patches) * each, patches: patches)
  }

  /// After how many patches of a series tests would run.
  private func tried(_ series: PatchSeries, _ base: BaseBuild) throws -> Int {
    let choice = plan.choices.eachPatch
    guard choice != .none, plan.cell.extent == .boot, !plan.purpose.isOfMutants, plan.retryPolicy.repeats == 1,
      choice == .test || plan.retryPolicy.retries > 0
    else { return 0 }
    return try PatchPlan(series, isWhole: choice == .test, known: Set(plan.checkout.suite.functions.keys)) { paths in
      plan.choices.settings.isEmpty ? try base.reach(of: paths) : .tree("it has settings of its own", objects: 0)
    }.tried.count
  }
}
