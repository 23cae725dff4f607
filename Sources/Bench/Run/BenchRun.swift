// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// A run, from reading the series to the last event.
public struct BenchRun: Sendable {
  let plan: RunPlan
  private let sinks: [any EventSink]

  public init(_ plan: RunPlan, sinks: [any EventSink]) {
    self.plan = plan
    self.sinks = sinks
  }

  /// Reads the series, prepares the base, and tries the base and each series, as many in parallel as fit.
  ///
  /// On cancellation, running work is ended, finished work is kept, and the record says that the run was interrupted.
  /// - Returns: the directory with the record, and whether the user stopped the run.
  /// - Throws: the errors of ``begin()`` and ``goOn(in:discards:)``.
  public func run() async throws -> (directory: RunDirectory, interrupted: Bool) {
    let directory = try await begin()
    return (directory, try await goOn(in: directory, discards: true))
  }

  /// Finishes a run that has begun. Trials that are finished in the directory's record are kept; all others run again.
  /// A run that is complete is left as it is.
  /// - Parameter discards: remove the directory if nothing could be tried.
  /// - Returns: whether the user stopped the run.
  /// - Throws: ``RunInUse``; ``NotResumable``; ``RunBrokenOff`` if the run ends early. Before anything was tried, also
  ///   ``StageError``, ``ToolError``, ``LibvirtError`` and `Errno` if the harness cannot work.
  public func goOn(in directory: RunDirectory, discards: Bool = false) async throws -> Bool {
    let claim = try directory.claim()
    defer { directory.release(claim) }
    let earlier = try directory.record()
    if let earlier, !earlier.interrupted { return false }
    await Leftovers.clear(plan.place.cache, environment: plan.place.environment)
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      let events = EventHub(
        try EventRecorder(directory.events), sinks + [TimingsLearner(plan.place.cache)], isStarted: earlier != nil)
      defer { events.reportFailures() }
      do {
        try await tryAll(earlier: earlier, cage: cage, scratch: scratch, directory: directory, events: events)
        try await events.record(.runFinished(interrupted: false))
        return false
      } catch  where error.isCancellation {
        if events.hasRunStarted {
          do { try await events.record(.runFinished(interrupted: true)) } catch {
            throw RunBrokenOff(path: directory.path.string, cause: error)
          }
        } else if discards {
          // A run that could not begin must leave nothing half-written.
          try directory.discard()
        }
        return true
      } catch {
        if error is NotResumable { throw error }
        if events.hasRunStarted { throw RunBrokenOff(path: directory.path.string, cause: error) }
        if discards { try directory.discard() }
        throw error
      }
    }
  }

  private func tryAll(
    earlier: RunRecord?, cage: Cage?, scratch: FilePath, directory: RunDirectory, events: EventHub
  ) async throws {
    // In parallel with the next steps, because the program is large.
    async let digest = Self.programDigest()
    let recorded = try await recordedSeries(of: directory)
    if let earlier {
      // Check before building a base, because it could be a different one.
      let now = try await RunConditions(
        plan.target, plan.checkout, plan.place.cache, program: try await digest,
        accelerator: earlier.header.accelerator)
      try refuseChanges(now, since: earlier, directory)
    }
    events.send(.stageStarted(series: nil, stage: .build))
    let prepared = try await PreparedRun.make(
      plan.target, checkout: plan.checkout, place: plan.place, jobs: plan.limits.resources.jobs, cage: cage,
      scratch: scratch
    ) { events.send(.progress(series: nil, stage: .build, text: $0)) }
    try? FileManager.default.removeItem(atPath: directory.config.string)
    try FileManager.default.copyItem(atPath: prepared.base.config.string, toPath: directory.config.string)
    try DurableFile.sync(directory.config)
    let listing = try await TestListing.read(from: plan.checkout.guestBinary)
    let program = try await digest
    let fitting = BaseFitting(prepared.base, kernel: plan.target.kernel.name, cage: cage)
    let series = try await recorded.concurrentMap(limit: plan.limits.resources.jobs) { try await fitting.usable($0) }
    let isTold = plan.target.choice != nil && !plan.purpose.isOfMutants
    let fits = isTold ? try await fitting.fits(series) : nil
    let probing = { @Sendable in
      events.send(.progress(series: nil, stage: .boot, text: "probing KVM with a boot"))
    }
    try await prepared.withHost(probing: probing) { host, accelerator in
      let conditions = RunConditions(prepared, program: program, accelerator: accelerator.accelerator)
      if let earlier { try refuseChanges(conditions, since: earlier, directory) }
      let asked = AskedTests(
        names: try listing.names(plan.choices.tests), isPart: !plan.choices.tests.isEmpty)
      var header = RunHeader(plan, prepared, series.map(\.series), accelerator, questions: listing.questions)
      header.only = asked.isPart ? asked.names : nil
      header.conditions = conditions
      header.fits = fits
      if earlier == nil, case .verdicts = plan.purpose {
        let diffs = try await RangeDiffs(
          tree: prepared.base.tree, scratch: scratch.appending("range-diffs"), cage: cage
        ).of(series)
        header.rangeDiffs = diffs.isEmpty ? nil : diffs
      }
      let settled = SettledRun(prepared: prepared, asked: asked, conditions: conditions, header: header)
      try await tryAll(series, settled, on: host, earlier: earlier, in: directory, events: events)
    }
    await plan.place.cache.bound(keeping: prepared.base)
  }

  /// Tries what is not finished yet.
  private func tryAll(
    _ series: [ReadSeries], _ settled: SettledRun, on host: some SavingHost, earlier: RunRecord?,
    in directory: RunDirectory, events: EventHub
  ) async throws {
    let (prepared, asked, conditions, header) =
      (settled.prepared, settled.asked, settled.conditions, settled.header)
    let accelerator = header.accelerator
    let clocks = TrialClocks(
      plan.target.profile.clocks, accelerator, boot: Timings(plan.place.cache).boot?[accelerator.rawValue])
    let guests = GuestSetup(
      accelerator: accelerator, clocks: clocks, keepsMemory: plan.choices.keepsMemory,
      baseInitramfs: try await prepared.baseInitramfs(asked))
    let finished = FinishedWork(earlier)
    try directory.clear(but: finished, series: series.map(\.series.name))
    if earlier == nil {
      try await events.record(.runStarted(header))
    } else {
      try await events.record(.runResumed)
    }
    let kept = try await TrialCache(
      plan, scratch: prepared.scratch, conditions: conditions, modules: prepared.driver.modules, only: header.only,
      sandbox: prepared.cage?.description)
    var runner = TrialRunner(
      prepared: prepared, asked: asked, guests: guests, rules: TrialRules(plan), resources: plan.limits.resources,
      host: host, events: events,
      baseAgain: BaseEvidence(
        directory: directory.evidence(nil), tries: Counter(after: finished.again.keys.max() ?? 0)))
    if let expected = plan.purpose.expected {
      runner.asked.reach = try await runner.reach(
        expected, in: directory, kept: try await kept.reach(expected), scratch: prepared.scratch)
    }
    let trials = runner
    // A cached result has no vmcore.
    let fresh = plan.choices.fresh || plan.choices.keepsMemory
    let order = TrialOrder(plan, asked: asked, clocks: clocks, conditions: conditions)
    try await withExecutor(trials, order, in: directory) { executor in
      try await Pipeline(
        trials: trials, executor: executor, kept: kept, directory: directory, scratch: prepared.scratch, fresh: fresh,
        finished: finished
      ).run(series)
    }
    try await StateDisks(
      directory: directory, accelerator: accelerator, cache: plan.place.cache, scratch: prepared.scratch,
      events: events
    ).fetch(series.map(\.series.name), resources: plan.limits.resources)
  }

  /// Checks that new trials can be compared with the earlier ones.
  /// - Throws: ``NotResumable`` if conditions have changed since the run began.
  private func refuseChanges(_ now: RunConditions, since earlier: RunRecord, _ directory: RunDirectory) throws {
    guard let before = earlier.header.conditions else {
      throw NotResumable(path: directory.path.string, reason: .noPlan)
    }
    let changes = now.changes(since: before)
    if !changes.isEmpty { throw NotResumable(path: directory.path.string, reason: .changed(changes)) }
  }
}

/// What is settled before a run's first trial.
private struct SettledRun {
  var prepared: PreparedRun
  var asked: AskedTests
  var conditions: RunConditions
  var header: RunHeader
}

extension RunHeader {
  init(
    _ plan: RunPlan, _ prepared: PreparedRun, _ series: [PatchSeries], _ chosen: ChosenAccelerator,
    questions: [String: String]
  ) {
    self.init(
      cell: plan.cell,
      versions: Versions(
        source: prepared.base.sourceDescription, toolchain: prepared.base.toolchain, emulator: prepared.emulator,
        patchbench: plan.checkout.version),
      accelerator: chosen.accelerator, reason: chosen.reason,
      processors: ProcessInfo.processInfo.activeProcessorCount, series: series, questions: questions)
    causes = plan.checkout.suite.causes
    known = plan.target.kernel.knownReports
    accepted = plan.choices.accepted.isEmpty ? nil : plan.choices.accepted
    sandbox = prepared.cage?.description
    settings = plan.choices.settings.isEmpty ? nil : plan.choices.settings
    choice = plan.target.choice
  }
}

extension BenchRun {
  /// Returns the digest of this program, because another build may give other results. It is read through /proc,
  /// because the program's file may have been replaced since the start.
  static func programDigest() async throws -> String {
    try await Digest.of(file: FilePath("/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"))
  }
}

extension RunConditions {
  /// The conditions now, before anything is built.
  /// - Parameters:
  ///   - program: from `BenchRun.programDigest()`.
  ///   - accelerator: taken as it is; no other one is probed.
  init(
    _ target: RunTarget, _ checkout: Checkout, _ cache: Cache, program: String, accelerator: Accelerator
  ) async throws {
    self.init(
      program: program, base: try await BaseBuild.key(target.kernel, profile: target.profile, cache: cache),
      driver: try await DriverSource(checkout.driver).digest,
      guestBinary: try await Digest.of(file: checkout.guestBinary(for: target.profile.architecture)),
      emulator: try await Emulator.version(for: target.profile.architecture), accelerator: accelerator,
      devices: checkout.suite.devices)
  }

  /// The conditions of a prepared run.
  /// - Parameter program: from `BenchRun.programDigest()`.
  init(_ prepared: PreparedRun, program: String, accelerator: Accelerator) {
    self.init(
      program: program, base: prepared.base.key, driver: prepared.driverSource, guestBinary: prepared.guestBinary,
      emulator: prepared.emulator, accelerator: accelerator, devices: prepared.suite.devices)
  }
}
