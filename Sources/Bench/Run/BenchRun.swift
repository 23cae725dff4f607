// SPDX-License-Identifier: Apache-2.0

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
  /// - Throws: as ``begin()`` and ``goOn(in:discards:)``.
  public func run() async throws -> (directory: RunDirectory, interrupted: Bool) {
    let directory = try await begin()
    return (directory, try await goOn(in: directory, discards: true))
  }

  /// Does what of a begun run is not finished. What is finished, by the directory's record, is taken as it is; all else is
  /// tried afresh. A run that has come to its end is left as it is.
  /// - Parameter discards: remove the directory if nothing could be begun.
  /// - Returns: whether the user stopped the run.
  /// - Throws: ``RunInUse``; ``NotResumable``; ``RunBrokenOff`` if it came to an end before its time, and as long as nothing
  ///   was tried ``StageError``, ``ToolError``, ``LibvirtError`` and `Errno` if the harness cannot work.
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
        try events.record(.runFinished(interrupted: false))
        return false
      } catch  where error.isCancellation {
        if events.hasRunStarted {
          do { try events.record(.runFinished(interrupted: true)) } catch {
            throw RunBrokenOff(path: directory.path.string, cause: error)
          }
        } else if discards {
          // A run that could not begin leaves nothing half-written.
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
    // Beside what comes first: it is large.
    async let digest = Self.programDigest()
    let series = try await recordedSeries(of: directory)
    let source = try await DriverSource(plan.checkout.driver)
    let emulator = try await Emulator.version()
    if let earlier {
      // Before a base is built that would be another.
      let key = try await BaseBuild.key(plan.target.kernel, profile: plan.target.profile, cache: plan.place.cache)
      let accelerator = earlier.header.accelerator
      try refuseChanges(
        conditions(
          program: try await digest, base: key, driver: source,
          guestBinary: try await Digest.of(file: plan.checkout.guestBinary), emulator: emulator,
          accelerator: accelerator),
        since: earlier, directory)
    }
    events.send(.stageStarted(series: nil, stage: .build))
    let base = try await BaseBuild.prepare(
      plan.target.kernel, profile: plan.target.profile, cache: plan.place.cache, jobs: plan.limits.resources.jobs
    ) { events.send(.progress(series: nil, stage: .build, text: $0)) }
    try? FileManager.default.removeItem(atPath: directory.config.string)
    try FileManager.default.copyItem(atPath: base.config.string, toPath: directory.config.string)
    try DurableFile.sync(directory.config)

    // As it goes into the initramfs: a base takes minutes to build, and the file may be another by then.
    async let guestBinary = Digest.of(file: plan.checkout.guestBinary)
    let initramfs = scratch.appending("initramfs.cpio")
    try await Initramfs.write(binary: plan.checkout.guestBinary, to: initramfs, scratch: scratch)
    events.send(.progress(series: nil, stage: .build, text: "the test driver"))
    let listing = try await TestListing.read(from: plan.checkout.guestBinary)
    let tests = try listing.names(plan.choices.tests)
    let method = try await SeriesTree.method(scratch: scratch, cage: cage)
    let driver = try await base.driver(
      source, cache: plan.place.cache, method: method, jobs: plan.limits.resources.jobs)
    let (program, guest) = try await (digest, guestBinary)
    try await LibvirtHost.with(uri: plan.target.connection, environment: plan.place.environment) { host in
      let probe = AcceleratorProbe(
        choice: plan.target.accelerator, cache: plan.place.cache, emulator: emulator, kernel: base.image,
        initramfs: initramfs,
        scratch: scratch)
      let accelerator = try await probe.choose(host) {
        events.send(.progress(series: nil, stage: .boot, text: "probing KVM with a boot"))
      }
      let conditions = conditions(
        program: program, base: base.key, driver: source, guestBinary: guest, emulator: emulator,
        accelerator: accelerator.accelerator)
      if let earlier { try refuseChanges(conditions, since: earlier, directory) }
      let only = plan.choices.tests.isEmpty ? nil : tests
      let clocks = TrialClocks(
        plan.target.profile.clocks, accelerator.accelerator,
        boot: Timings(plan.place.cache).boot?[accelerator.accelerator.rawValue])
      let withDriver = scratch.appending("initramfs-base.cpio")
      try await Initramfs.write(
        Initramfs.Extras(
          driver: driver.modules.driver.forGuest, orders: only.map { GuestOptions(only: $0, testSeconds: clocks.test) }),
        behind: initramfs, to: withDriver, scratch: scratch)
      let finished = FinishedWork(earlier)
      try directory.clear(but: finished, series: series.map(\.series.name))
      if earlier == nil {
        try events.record(
          .runStarted(
            RunHeader(
              cell: plan.cell, source: base.sourceDescription, toolchain: base.toolchain, emulator: emulator,
              accelerator: accelerator.accelerator, acceleratorReason: accelerator.reason,
              processors: ProcessInfo.processInfo.activeProcessorCount, patchbench: plan.checkout.version,
              series: series.map(\.series), questions: listing.questions, only: only,
              known: plan.target.kernel.knownReports,
              accepted: plan.choices.accepted.isEmpty ? nil : plan.choices.accepted,
              conditions: conditions, sandbox: cage?.description)))
      } else {
        try events.record(.runResumed)
      }
      var kept = try await TrialCache(
        cache: plan.place.cache, scratch: scratch, conditions: conditions, modules: driver.modules,
        connection: plan.target.connection, cell: plan.cell, only: only, retries: plan.retryPolicy.retries,
        sandbox: cage?.description)
      if plan.purpose.stopsWhenWorse {
        kept.mode = "until it is worse than \(plan.purpose.baseline?.image ?? "the base")"
      }
      var trials = TrialRunner(
        cell: plan.cell, base: base, driver: driver, method: method, cage: cage, plainInitramfs: initramfs,
        initramfs: withDriver,
        tests: tests, isPart: only != nil, accelerator: accelerator.accelerator, resources: plan.limits.resources,
        cache: plan.place.cache, host: host, events: events,
        retryPolicy: plan.retryPolicy, clocks: clocks,
        keepsMemory: plan.choices.keepsMemory, baseEvidence: directory.evidence(nil),
        baseTries: Counter(after: finished.again.keys.max() ?? 0), stopsWhenWorse: plan.purpose.stopsWhenWorse,
        baseline: plan.purpose.baseline, known: plan.target.kernel.knownReports.filter { Date() < $0.expires })
      if let expected = plan.purpose.expected {
        trials.reach = try await trials.reach(
          expected, in: directory, kept: try await kept.reach(expected), scratch: scratch)
      }
      // A kept result has no memory of its guests.
      let fresh = plan.choices.fresh || plan.choices.keepsMemory
      try await Pipeline(
        trials: trials, kept: kept, directory: directory, scratch: scratch, fresh: fresh, finished: finished
      ).run(series)
      try await StateDisks(
        directory: directory, accelerator: accelerator.accelerator, cache: plan.place.cache, scratch: scratch,
        events: events
      ).fetch(series.map(\.series.name), resources: plan.limits.resources)
    }
    await plan.place.cache.bound(keeping: base)
  }

  /// - Throws: ``NotResumable`` if what is to come would not fit to what there is.
  private func refuseChanges(_ now: RunConditions, since earlier: RunRecord, _ directory: RunDirectory) throws {
    guard let before = earlier.header.conditions else {
      throw NotResumable(path: directory.path.string, reason: .noPlan)
    }
    let changes = now.changes(since: before)
    if !changes.isEmpty { throw NotResumable(path: directory.path.string, reason: .changed(changes)) }
  }
}

extension BenchRun {
  /// The digest of this program: another build of it may come to another result. Read through /proc, since its own file
  /// may have been replaced since it was started.
  static func programDigest() async throws -> String {
    try await Digest.of(file: FilePath("/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"))
  }

  /// What decides the results of this run beside its series.
  /// - Parameters:
  ///   - program: as of ``programDigest()``.
  ///   - base: as of `BaseBuild.key`.
  ///   - guestBinary: the digest of the file.
  func conditions(
    program: String, base: String, driver: DriverSource, guestBinary: String, emulator: String, accelerator: Accelerator
  ) -> RunConditions {
    RunConditions(
      program: program, base: base, driver: driver.digest, guestBinary: guestBinary, emulator: emulator,
      accelerator: accelerator)
  }
}
