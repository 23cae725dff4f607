// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
public import SeriesIntake
public import SystemPackage
import Toolbox

/// An interactive guest with the kernel of a base or of a series.
public struct ShellGuest: Sendable {
  public var target: RunTarget
  /// `nil` is the base.
  public var series: (any SeriesSource)?
  public var busybox: FilePath
  public var limits: RunLimits
  public var checkout: Checkout
  public var place: RunPlace

  public init(
    target: RunTarget, series: (any SeriesSource)?, busybox: FilePath, limits: RunLimits, checkout: Checkout,
    place: RunPlace
  ) {
    self.target = target
    self.series = series
    self.busybox = busybox
    self.limits = limits
    self.checkout = checkout
    self.place = place
  }

  /// Builds the kernel if needed, boots it, and passes the serial line to `body`. The machine ends when `body` returns.
  /// - Throws: ``IntakeError``, ``StageError``, ``ToolError``, ``LibvirtError``, and what `body` throws. A series that
  ///   does not apply or build is a ``StageError``, because there is no guest to boot.
  public func run(
    progress: @escaping @Sendable (String) -> Void,
    _ body: @escaping @Sendable (_ terminal: FilePath) async throws -> Void
  ) async throws {
    await Leftovers.clear(place.cache, environment: place.environment)
    try await place.cache.withScratch { scratch in
      let prepared = try await PreparedRun.make(
        target, checkout: checkout, place: place, jobs: limits.resources.jobs,
        cage: try await limits.sandbox?.cage(), scratch: scratch, progress: progress)
      let built = try await build(prepared, progress)
      let initramfs = scratch.appending("initramfs-shell.cpio")
      let architecture = target.profile.architecture
      try await Initramfs.writeShell(
        busybox: busybox, guestBinary: try checkout.guestBinary(for: architecture), driver: built.driver.forGuest,
        console: architecture.boot.console, to: initramfs, scratch: scratch)
      let probing = { @Sendable in progress("probing KVM with a boot") }
      try await prepared.withHost(probing: probing) { host, chosen in
        var spec = MachineSpec(
          name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-shell", architecture,
          accelerator: chosen.accelerator, kernel: built.image.absolute, initramfs: initramfs.absolute,
          commandLine: .shell(for: architecture),
          console: scratch.appending("console.log"), results: scratch.appending("results.ktap"))
        spec.hasTerminal = true
        spec.devices = checkout.suite.devices
        progress("booting; Ctrl-] ends the machine")
        try await host.withMachine(spec) { machine in try await body(try await machine.terminal()) }
      }
    }
  }

  private func build(
    _ prepared: PreparedRun, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> (image: FilePath, driver: ModuleBuild) {
    let (base, scratch, jobs) = (prepared.base, prepared.scratch, limits.resources.jobs)
    guard let series else { return (base.image, prepared.driver.modules.driver) }
    let read = try await readAlone(series, on: base, into: scratch, cage: prepared.cage)
    let place = scratch.appending("tree")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(
      base, method: prepared.method, cage: prepared.cage, scratch: place)
    if let refused = try await tree.apply(read.series, diffs: read.diffs) {
      throw StageError.fault(.apply, "\(refused.patch.file) does not apply: \(refused.message)")
    }
    let built = try await tree.build(read.series, jobs: jobs, log: scratch.appending("build.log"), progress: progress)
    if let failure = built.failure {
      throw StageError.fault(
        .build, "the series does not build: \(failure.diagnostics.first?.message ?? failure.tail.last ?? "")")
    }
    let modules = try await tree.modules(
      prepared.driver, touched: Set(read.series.patches.flatMap(\.paths)), work: built.work, jobs: jobs,
      log: scratch.appending("driver.log"))
    return (built.image, modules.driver)
  }
}
