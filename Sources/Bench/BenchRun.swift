import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// A run, from reading the series to its last event.
public struct BenchRun: Sendable {
  let plan: RunPlan
  private let sinks: [any EventSink]

  public init(_ plan: RunPlan, sinks: [any EventSink]) {
    self.plan = plan
    self.sinks = sinks
  }

  /// Reads the series, prepares the base, and tries the base and each series, as many at once as there is room for.
  ///
  /// When the task is cancelled, what runs is ended, what was finished is kept, and the record says so.
  /// - Returns: the directory with the record, and whether the user stopped the run.
  /// - Throws: ``IntakeError`` and ``OutputNotEmpty`` for unusable input, before anything is written;
  ///   ``StageError``, ``ToolError``, ``LibvirtError`` and `Errno` if the harness cannot work.
  public func run() async throws -> (directory: RunDirectory, interrupted: Bool) {
    await plan.cache.sweep()
    // A misspelt name is said before minutes have gone into a base.
    if !plan.tests.isEmpty { _ = try await TestListing.read(from: plan.guestBinary).names(plan.tests) }
    return try await plan.cache.withScratch { scratch in
      let series = try await read(into: scratch)
      let directory = try makeDirectory(for: series)
      let events = EventHub(try sinks + [EventRecorder(directory.events), TimingsLearner(plan.cache)])
      defer { events.reportFailures() }
      do {
        try await tryAll(series, scratch: scratch, directory: directory, events: events)
        events.send(.runFinished(interrupted: false))
        return (directory, false)
      } catch  where error.isCancellation {
        if !events.hasRunStarted { try directory.discard() }
        events.send(.runFinished(interrupted: true))
        return (directory, true)
      } catch {
        // A run that could not begin leaves nothing half-written.
        if !events.hasRunStarted { try directory.discard() }
        throw error
      }
    }
  }

  /// Reads all series that were asked for.
  func read(into scratch: FilePath) async throws -> [ReadSeries] {
    var series: [ReadSeries] = []
    for directory in plan.series {
      series.append(try await directory.read(into: scratch.appending("series").appending(directory.name)))
    }
    return series
  }

  /// Makes the run's directory and moves the series' diffs there: they are evidence of what was tested.
  private func makeDirectory(for series: [ReadSeries]) throws -> RunDirectory {
    let path =
      plan.output
      ?? RunDirectory.fresh(
        under: FilePath("results"), label: "\(plan.kernel.name)-\(plan.profile.name)", at: Date())
    let manager = FileManager.default
    if let existing = try? manager.contentsOfDirectory(atPath: path.string), !existing.isEmpty {
      throw OutputNotEmpty(path: path.string)
    }
    let directory = RunDirectory(path)
    try manager.createDirectory(atPath: directory.evidence(nil).string, withIntermediateDirectories: true)
    for one in series {
      let evidence = directory.evidence(one.series.name)
      try manager.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
      for diff in one.diffs {
        try manager.copyItem(
          atPath: diff.string, toPath: evidence.appending(diff.lastComponent!.string).string)
      }
    }
    return directory
  }

  private func tryAll(
    _ series: [ReadSeries], scratch: FilePath, directory: RunDirectory, events: EventHub
  ) async throws {
    events.send(.stageStarted(series: nil, stage: .build))
    let base = try await BaseBuild.prepare(
      plan.kernel, profile: plan.profile, cache: plan.cache, jobs: plan.resources.jobs
    ) { events.send(.progress(series: nil, stage: .build, text: $0)) }
    try FileManager.default.copyItem(atPath: base.config.string, toPath: directory.config.string)

    let initramfs = scratch.appending("initramfs.cpio")
    try await Initramfs.write(binary: plan.guestBinary, to: initramfs, scratch: scratch)
    events.send(.progress(series: nil, stage: .build, text: "the test driver"))
    let listing = try await TestListing.read(from: plan.guestBinary)
    let tests = try listing.names(plan.tests)
    let source = try await DriverSource(plan.driver)
    let method = try await SeriesTree.method(scratch: scratch)
    let driver = try await base.driver(source, cache: plan.cache, method: method, jobs: plan.resources.jobs)
    let emulator = try await Emulator.version()
    try await LibvirtHost.with(uri: plan.connection, environment: plan.environment) { host in
      let probe = AcceleratorProbe(
        choice: plan.accelerator, cache: plan.cache, emulator: emulator, kernel: base.image, initramfs: initramfs,
        scratch: scratch)
      let accelerator = try await probe.choose(host) {
        events.send(.progress(series: nil, stage: .boot, text: "probing KVM with a boot"))
      }
      let only = plan.tests.isEmpty ? nil : tests
      let clocks = TrialClocks(
        plan.profile.clocks, accelerator.accelerator,
        boot: Timings(plan.cache).boot?[accelerator.accelerator.rawValue])
      let withDriver = scratch.appending("initramfs-base.cpio")
      try await Initramfs.write(
        Initramfs.Extras(
          driver: driver.result.forGuest, orders: only.map { GuestOptions(only: $0, testSeconds: clocks.test) }),
        behind: initramfs, to: withDriver, scratch: scratch)
      events.send(
        .runStarted(
          RunHeader(
            cell: plan.cell, source: base.sourceDescription, toolchain: base.toolchain, emulator: emulator,
            accelerator: accelerator.accelerator, acceleratorReason: accelerator.reason,
            processors: ProcessInfo.processInfo.activeProcessorCount, patchbench: plan.version,
            series: series.map(\.series), questions: listing.questions, only: only,
            known: plan.kernel.knownReports)))
      let kept = try await KeptTrials(
        cache: plan.cache, scratch: scratch, base: base, driver: source, guestBinary: plan.guestBinary,
        emulator: emulator, accelerator: accelerator.accelerator, connection: plan.connection, cell: plan.cell,
        only: only, retries: plan.retries)
      let trials = TrialRunner(
        cell: plan.cell, base: base, driver: driver, method: method, plainInitramfs: initramfs, initramfs: withDriver,
        tests: tests, isPart: only != nil, accelerator: accelerator.accelerator, resources: plan.resources,
        cache: plan.cache, host: host, events: events,
        persistence: Persistence(retries: plan.retries, repeats: plan.repeats), clocks: clocks,
        keepsMemory: plan.keepsMemory, baseEvidence: directory.evidence(nil))
      // A kept result has no memory of its guests.
      let fresh = plan.fresh || plan.keepsMemory
      try await Pipeline(trials: trials, kept: kept, directory: directory, scratch: scratch, fresh: fresh).run(series)
    }
    await plan.cache.bound(keeping: base)
  }
}
