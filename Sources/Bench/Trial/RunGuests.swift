// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox
import Verdicts

extension TrialRunner {
  /// How many guests one trial may use. A guest that dies costs the time of another boot; a guest that hangs costs much
  /// more.
  private static var mostGuests: Int { 4 }

  /// Runs the tests of a series, with limits from how long they took on the base.
  /// - Parameters:
  ///   - reference: what the series is compared with.
  ///   - base: the base's results of reruns.
  /// - Returns: the trial, and the limits.
  func boot(
    _ bootable: Bootable, _ built: Trial, beside reference: Trial?, base: BaseTrials, evidence: FilePath
  ) async throws -> (Trial, TestLimits) {
    var baseRun: GuestRun?
    if case .ran(let run)? = reference?.result { baseRun = run }
    let limits = TestLimits(long: clocks.test, base: baseRun)
    var trial = built
    let news = baseRun.flatMap { self.news(of: built.series, beside: $0, again: base.reports) }
    try await boot(bootable, limits, news: news, evidence: evidence, trial: &trial)
    trial.firstNews = news?.seconds
    if case .ran(let run) = trial.result { trial.result = .ran(limits.takingBack(run, base: baseRun)) }
    return (trial, limits)
  }

  /// - Parameter reports: kernel reports of the base's further guests.
  /// - Returns: `nil` for the base, and if it did not complete: then there is nothing to be worse than.
  func news(of series: String?, beside base: GuestRun, again reports: [KernelReport]) -> FirstNews? {
    guard let series, base.ending == .completed else { return nil }
    return FirstNews(
      series, BaseAnswers(base, again: reports, known: rules.known, isStrict: false), events)
  }

  /// Runs the tests. If a test ends its guest, a fresh guest runs the tests after it.
  func boot(
    _ bootable: Bootable, _ limits: TestLimits, news: FirstNews? = nil, evidence: FilePath, trial: inout Trial
  ) async throws {
    var whole: GuestRun?
    var number = 1
    var options = limits.options()
    var expected = bootable.asked.names[...]
    while true {
      let run: GuestRun
      do {
        run = try await bootedGuest(
          number == 1 ? "" : "-\(number)", bootable, options, news: news, evidence: evidence, trial: &trial
        ).asked(for: expected)
      } catch {
        // The results of the earlier guests stay, whatever happens to later guests.
        guard var sum = whole, !error.endsRun else { throw error }
        sum.anomalies.append("no fresh guest could be started for the remaining tests: \(error)")
        trial.result = .ran(sum)
        return
      }
      let sum = whole?.continued(by: run) ?? run
      trial.result = .ran(sum)
      whole = sum
      guard let death = run.deaths.last, run.tests.last?.name != death.test, number < Self.mostGuests,
        sum.deaths.count(where: \.isHang) < 2
      else { return }
      number += 1
      options.after = death.test
      expected = expected.drop { $0 != death.test }.dropFirst()
    }
  }

  /// Runs one guest. If it does not boot and does not say why, another one of the same kernel is asked: once is not
  /// enough to blame a kernel for what the emulator may have done.
  private func bootedGuest(
    _ suffix: String, _ bootable: Bootable, _ options: GuestOptions, news: FirstNews?, evidence: FilePath,
    trial: inout Trial
  ) async throws -> GuestRun {
    let first = try await guest(suffix, bootable, options, news: news, evidence: evidence, trial: &trial)
    guard first.failsToBootSilently, rules.retryPolicy.retries > 0 else { return first }
    events.send(
      .progress(series: trial.series, stage: .boot, text: "does not boot: \(first.ending.words); once more"))
    var second = try await guest(suffix + "-boot-2", bootable, options, news: news, evidence: evidence, trial: &trial)
    // The same again settles it. Anything else says more: a panic names its cause, and a dead machine is ours.
    if second.failsToBootSilently { return first }
    second.bootFailure = first.ending
    return second
  }

  /// A disk with less free space than this, in bytes, counts as full.
  private static var leastSpace: Int64 { 1 << 20 }

  /// Returns the machine for one guest.
  /// - Parameter suffix: the suffix of its evidence files; empty for the trial's first guest.
  func machine(_ suffix: String, _ bootable: Bootable, _ options: GuestOptions, evidence: FilePath) -> MachineSpec {
    let architecture = prepared.target.profile.architecture
    let line = KernelCommandLine(options, for: architecture)
    var spec = MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))", architecture,
      accelerator: guests.accelerator, kernel: bootable.image.absolute, initramfs: bootable.initramfs.absolute,
      commandLine: guests.keepsMemory ? line.staying : line,
      console: evidence.appending("console\(suffix).log").absolute,
      results: evidence.appending("results\(suffix).ktap").absolute)
    spec.devices = prepared.suite.devices
    return spec
  }

  /// Runs one guest, from its start to its end.
  /// - Parameters:
  ///   - suffix: the suffix of its evidence files; empty for the trial's first guest.
  ///   - saved: the saved guest to restore; `nil` boots the guest.
  ///   - news: hears what is worse than on the base; `nil` if nobody is to be told.
  ///   - isEnough: as in `GuestWatch.watch`.
  func guest(
    _ suffix: String, _ bootable: Bootable, _ options: GuestOptions, from saved: SavedGuest<Host>? = nil,
    news: FirstNews? = nil, evidence: FilePath, trial: inout Trial,
    isEnough: @escaping @Sendable (TestResult?, [KernelReport]) -> Bool = { _, _ in false }
  ) async throws -> GuestRun {
    let name = trial.series
    events.send(.stageStarted(series: name, stage: .boot))
    let spec = machine(suffix, bootable, options, evidence: evidence)
    let watch = GuestWatch(
      clocks.guest, clock: ContinuousClock(),
      memory: guests.keepsMemory ? evidence.appending("vmcore\(suffix)").absolute : nil)
    let begun = ContinuousClock.now
    let idleSlot = IdleGuestSlot(resources.guests)
    let wasEnough = Locked(false)
    let isEnough = { @Sendable (test: TestResult?, reports: [KernelReport]) in
      news?.hear(test, reports)
      let isEnough = isEnough(test, reports)
      if isEnough { wasEnough.withLock { $0 = true } }
      return isEnough
    }
    let (watched, started, ended) = try await start(spec, options, from: saved) { machine in
      let started = ContinuousClock.now
      let watched = try await idleSlot.with {
        try await watch.watch(machine, accelerator: guests.accelerator, isEnough: isEnough) { progress in
          idleSlot.heard()
          switch progress {
          case .booted:
            news?.booted()
            events.send(.stageStarted(series: name, stage: .tests))
          case .testStarted(let test, let number, let count):
            events.send(.progress(series: name, stage: .tests, text: "\(number)/\(count) \(test)"))
          }
        }
      }
      let ended = ContinuousClock.now
      // A guest that was ended on purpose has given all that was needed.
      if !wasEnough.withLock({ $0 }), watched.run.ending != .completed || !watched.run.anomalies.isEmpty {
        do {
          try await machine.keepState(as: StateDisks.place(in: evidence, suffix).absolute)
        } catch {
          // Losing extra evidence must not cost the trial.
          if error.isCancellation { throw CancellationError() }
          events.send(.progress(series: name, stage: .tests, text: "could not keep its state disk: \(error)"))
        }
      }
      return (watched, started, ended)
    }
    // The channels drop what they cannot write. On a full disk, the guest's output is cut short, which is not its
    // fault.
    if DiskSpace.free(at: evidence) < Self.leastSpace { throw StageError.noSpace(.tests) }
    trial.seconds.add(.start, (started - begun) / .seconds(1))
    trial.seconds.add(.boot, watched.boot)
    trial.seconds.add(.tests, watched.tests)
    trial.seconds.add(.collect, (.now - ended) / .seconds(1))
    var run = watched.run
    if let trace = bootable.trace { run.execution = trace.execution(of: run.execution) }
    return run
  }

  private func start<Result: Sendable>(
    _ spec: MachineSpec, _ options: GuestOptions, from saved: SavedGuest<Host>?,
    _ body: @Sendable (Host.Running) async throws -> Result
  ) async throws -> Result {
    guard let saved else { return try await host.withMachine(spec, body) }
    return try await saved.withMachine(options, console: spec.console, results: spec.results, body)
  }
}

extension GuestDeath {
  /// Whether it was noticed only by a timeout.
  fileprivate var isHang: Bool {
    if case .silent = ending { true } else { false }
  }
}
