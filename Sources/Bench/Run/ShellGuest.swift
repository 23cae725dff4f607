// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
public import KernelBuild
public import SeriesIntake
public import SystemPackage
import Toolbox

/// A guest for somebody to sit at, with the kernel of a base or of a series.
public struct ShellGuest: Sendable {
  public var kernel: KernelDefinition
  public var profile: KernelDefinition.Profile
  /// `nil` is the base.
  public var series: SeriesDirectory?
  public var guestBinary: FilePath
  public var driver: FilePath
  public var busybox: FilePath
  public var cache: Cache
  public var connection: String?
  public var accelerator: AcceleratorChoice
  public var jobs: Int
  /// `nil` builds the series without a cage.
  public var sandbox: Sandbox?
  public var environment: [String: String]

  public init(
    kernel: KernelDefinition, profile: KernelDefinition.Profile, series: SeriesDirectory?, guestBinary: FilePath,
    driver: FilePath, busybox: FilePath, cache: Cache, connection: String?, accelerator: AcceleratorChoice, jobs: Int,
    sandbox: Sandbox?, environment: [String: String]
  ) {
    self.kernel = kernel
    self.profile = profile
    self.series = series
    self.guestBinary = guestBinary
    self.driver = driver
    self.busybox = busybox
    self.cache = cache
    self.connection = connection
    self.accelerator = accelerator
    self.jobs = jobs
    self.sandbox = sandbox
    self.environment = environment
  }

  /// Builds what there is to build, boots, and hands the serial line to `body`; the machine is gone when that returns.
  /// - Throws: ``IntakeError``, ``StageError``, ``ToolError``, ``LibvirtError``, and what `body` throws. A series that
  ///   does not apply or build is a ``StageError`` here: there is no guest to sit at.
  public func run(
    progress: @escaping @Sendable (String) -> Void,
    _ body: @escaping @Sendable (_ terminal: FilePath) async throws -> Void
  ) async throws {
    await Leftovers.clear(cache, environment: environment)
    try await cache.withScratch { scratch in
      let cage = try await sandbox?.cage()
      let base = try await BaseBuild.prepare(kernel, profile: profile, cache: cache, jobs: jobs, progress: progress)
      let method = try await SeriesTree.method(scratch: scratch, cage: cage)
      let baseDriver = try await base.driver(DriverSource(driver), cache: cache, method: method, jobs: jobs)
      let built = try await build(on: base, baseDriver, method: method, cage: cage, scratch: scratch, progress)
      let initramfs = scratch.appending("initramfs-shell.cpio")
      try await Initramfs.writeShell(
        busybox: busybox, guestBinary: guestBinary, driver: built.driver.forGuest, to: initramfs, scratch: scratch)
      let plain = scratch.appending("initramfs.cpio")
      try await Initramfs.write(binary: guestBinary, to: plain, scratch: scratch)
      try await LibvirtHost.with(uri: connection, environment: environment) { host in
        let probe = AcceleratorProbe(
          choice: accelerator, cache: cache, emulator: try await Emulator.version(), kernel: base.image,
          initramfs: plain, scratch: scratch)
        let chosen = try await probe.choose(host) { progress("probing KVM with a boot") }
        var spec = MachineSpec(
          name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-shell", accelerator: chosen.accelerator,
          kernel: TrialRunner.absolute(built.image), initramfs: TrialRunner.absolute(initramfs),
          commandLine: .shell, console: scratch.appending("console.log"), results: scratch.appending("results.ktap"))
        spec.hasTerminal = true
        progress("booting; Ctrl-] ends the machine")
        try await host.withMachine(spec) { machine in try await body(try await machine.terminal()) }
      }
    }
  }

  private func build(
    on base: BaseBuild, _ baseDriver: BaseDriver, method: SeriesTree.Method, cage: Cage?, scratch: FilePath,
    _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> (image: FilePath, driver: ModuleBuild) {
    guard let series else { return (base.image, baseDriver.modules.driver) }
    let read = try await series.read(into: scratch.appending("series"), cage: cage)
    let place = scratch.appending("tree")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: place)
    if let refused = try await tree.apply(read.series, diffs: read.diffs) {
      throw StageError.fault(.apply, "\(refused.patch.file) does not apply: \(refused.message)")
    }
    let built = try await tree.build(read.series, jobs: jobs, log: scratch.appending("build.log"), progress: progress)
    if let failure = built.failure {
      throw StageError.fault(
        .build, "it does not build: \(failure.diagnostics.first?.message ?? failure.tail.last ?? "")")
    }
    let modules = try await tree.modules(
      baseDriver, touched: Set(read.series.patches.flatMap(\.paths)), work: built.work, jobs: jobs,
      log: scratch.appending("driver.log"))
    return (built.image, modules.driver)
  }
}
