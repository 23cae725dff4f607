// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Verdicts

/// The source of further guests of one kernel, each of which runs some of the tests.
struct FreshGuests<Host: SavingHost>: Sendable {
  /// What guests boot. Nothing is counted here, because the trial's first guest did that.
  var bootable: Bootable
  /// The saved guest that they are restored from; `nil` if each is booted.
  var saved: SavedGuest<Host>?
  /// The directory for the files of booted guests.
  var directory: FilePath
}

extension TrialRunner {
  /// Passes a source of guests of one kernel to `body`, which starts them one after another. Holds one guest's turn
  /// meanwhile.
  ///
  /// An emulated guest takes seconds to boot. If several are needed, one is booted up to where it waits for its orders,
  /// and the others are restored from there. If that is not possible, each is booted.
  /// - Parameters:
  ///   - count: how many guests will be needed.
  ///   - scratch: the caller's scratch directory.
  func withFreshGuests(
    _ bootable: Bootable, count: Int, scratch: FilePath, trial: inout Trial,
    _ body: (_ fresh: FreshGuests<Host>, _ trial: inout Trial) async throws -> Void
  ) async throws {
    let directory = scratch.appending("fresh-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory.string) }
    var fresh = FreshGuests<Host>(bootable: bootable, directory: directory)
    fresh.bootable.trace = nil
    try await resources.guest {
      guard count > 1, guests.accelerator == .tcg, host.endsRestored else { return try await body(fresh, &trial) }
      var isSaved = false
      do {
        fresh.bootable.initramfs = directory.appending("initramfs.cpio")
        try await Initramfs.write(
          Initramfs.Extras(driver: bootable.modules.driver.forGuest), behind: prepared.initramfs,
          to: fresh.bootable.initramfs, scratch: directory)
        events.send(.stageStarted(series: trial.series, stage: .boot))
        let held = machine("", fresh.bootable, GuestOptions(), evidence: directory)
        let watch = GuestWatch(clocks.guest, clock: ContinuousClock())
        try await host.withSavedGuest(held, directory: directory, watch: watch) { saved in
          isSaved = true
          trial.seconds.add(.boot, saved.seconds)
          fresh.saved = saved
          try await body(fresh, &trial)
        }
      } catch  where !isSaved && !error.endsRun {
        events.send(.progress(series: trial.series, stage: .boot, text: "could not save a guest: \(error)"))
        // This was a boot like any other, and this kernel did not survive it.
        if case SavedGuestError.neverHeld(let ending) = error {
          trial.result.note("a further guest did not reach its tests: \(ending.words)")
        }
        try await body(fresh, &trial)
      }
    }
  }

  /// Runs one further guest, from its start to its end.
  /// - Parameter suffix: the suffix of its evidence files.
  func guest(
    _ suffix: String, _ fresh: FreshGuests<Host>, _ limits: TestLimits, tests: [String], evidence: FilePath,
    trial: inout Trial
  ) async throws -> GuestRun {
    let options = limits.options(only: tests)
    if let saved = fresh.saved {
      do {
        return try await guest(suffix, fresh.bootable, options, from: saved, evidence: evidence, trial: &trial)
      } catch let error as SavedGuestError {
        events.send(.progress(series: trial.series, stage: .boot, text: "could not restore a guest: \(error)"))
      }
    }
    // The kernel's command line is too short for many names.
    var part = fresh.bootable
    part.initramfs = fresh.directory.appending("initramfs\(suffix).cpio")
    try await Initramfs.write(
      Initramfs.Extras(driver: part.modules.driver.forGuest, orders: options), behind: prepared.initramfs,
      to: part.initramfs, scratch: fresh.directory)
    return try await guest(
      suffix, part, limits.options(), evidence: evidence, trial: &trial)
  }
}
