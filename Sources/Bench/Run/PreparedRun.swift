// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import GuestMachine
public import KernelBuild
public import SystemPackage
public import Toolbox

/// Everything that is prepared before the first series: the base, the test driver, the method for making trees, and the
/// parts of guests.
///
/// A run, a shell and a benchmark all begin with it, so that they cannot drift apart.
public struct PreparedRun: Sendable {
  public var target: RunTarget
  public var place: RunPlace
  public var suite: SuiteDefinition
  public var base: BaseBuild
  /// The test driver, built against the base.
  public var driver: BaseDriver
  public var method: SeriesTree.Method
  /// The sandbox that series are read and built in; `nil` if the user disabled it.
  public var cage: Cage?
  /// An initramfs with only the guest binary. Anything else that a guest needs is appended to it.
  public var initramfs: FilePath
  /// The digest of the guest binary in the initramfs.
  public var guestBinary: String
  /// The digest of the test driver's sources.
  public var driverSource: String
  /// `QEMU emulator version 7.2.22`
  public var emulator: String
  /// The caller's scratch directory, which has all of these files.
  public var scratch: FilePath
  /// The directory with the definitions of all kernels.
  public var kernels: FilePath

  /// Builds what is not built yet.
  /// - Parameters:
  ///   - cage: the sandbox; the caller may already have read series in it.
  ///   - scratch: the caller's scratch directory.
  ///   - progress: gets a description of each step.
  /// - Throws: ``StageError`` and ``ToolError`` if the base cannot be built, `NoDriverSource`, and file system errors.
  public static func make(
    _ target: RunTarget, checkout: Checkout, place: RunPlace, jobs: Int, cage: Cage?, scratch: FilePath,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> PreparedRun {
    let source = try await DriverSource(checkout.driver)
    let architecture = target.profile.architecture
    let emulator = try await Emulator.version(for: architecture)
    let binary = try checkout.guestBinary(for: architecture)
    let base = try await BaseBuild.prepare(
      target.kernel, profile: target.profile, cache: place.cache, jobs: jobs, progress: progress)
    // Only now: building a base takes minutes, and the file may have changed in the meantime.
    async let guestBinary = Digest.of(file: binary)
    let initramfs = scratch.appending("initramfs.cpio")
    try await Initramfs.write(binary: binary, to: initramfs, scratch: scratch)
    progress("the test driver")
    let method = try await SeriesTree.method(scratch: scratch, cage: cage)
    let driver = try await base.driver(source, cache: place.cache, method: method, jobs: jobs)
    return PreparedRun(
      target: target, place: place, suite: checkout.suite, base: base, driver: driver, method: method, cage: cage,
      initramfs: initramfs,
      guestBinary: try await guestBinary, driverSource: source.digest, emulator: emulator, scratch: scratch,
      kernels: checkout.kernels)
  }

  /// Connects to libvirt while `body` runs, and chooses the accelerator for guests.
  /// - Throws: ``LibvirtError``, and what `body` throws.
  public func withHost<Result: Sendable>(
    probing: @Sendable () -> Void, _ body: (LibvirtHost, ChosenAccelerator) async throws -> Result
  ) async throws -> Result {
    try await LibvirtHost.with(uri: target.connection, environment: place.environment) { host in
      let probe = AcceleratorProbe(
        choice: target.accelerator, architecture: target.profile.architecture, cache: place.cache, emulator: emulator,
        kernel: base.image, initramfs: initramfs, scratch: scratch)
      return try await body(host, try await probe.choose(host, probing: probing))
    }
  }

  /// Writes an initramfs that is the guest binary's plus `extras`.
  /// - Parameter name: the file's name in the scratch directory.
  public func initramfs(_ name: String, _ extras: Initramfs.Extras) async throws -> FilePath {
    let file = scratch.appending(name)
    try await Initramfs.write(extras, behind: initramfs, to: file, scratch: scratch)
    return file
  }
}
