// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import GuestMachine
public import KernelBuild
public import SystemPackage
public import Toolbox

/// What stands before the first series: the base, the test driver, the way to make trees, and what guests are made of.
///
/// A run, a shell and a benchmark begin with it, so that none of them can drift from the others.
public struct PreparedRun: Sendable {
  public var target: RunTarget
  public var place: RunPlace
  public var base: BaseBuild
  /// Built against the base.
  public var driver: BaseDriver
  public var method: SeriesTree.Method
  /// Where series are read and built; `nil` where that was not wanted.
  public var cage: Cage?
  /// An initramfs with the guest binary alone. What else a guest needs is written behind it.
  public var initramfs: FilePath
  /// The digest of the guest binary, as it is in the initramfs.
  public var guestBinary: String
  /// The digest of the test driver's sources.
  public var driverSource: String
  /// `QEMU emulator version 7.2.22`
  public var emulator: String
  /// A directory of the caller's, which all of it lies in.
  public var scratch: FilePath

  /// Builds what is not built yet.
  /// - Parameters:
  ///   - cage: as of the limits' sandbox; the caller may have read series in it.
  ///   - scratch: a directory of the caller's.
  ///   - progress: told what goes on, in words.
  /// - Throws: ``StageError`` and ``ToolError`` if the base cannot be built, `NoDriverSource`, and what the file system
  ///   says.
  public static func make(
    _ target: RunTarget, checkout: Checkout, place: RunPlace, jobs: Int, cage: Cage?, scratch: FilePath,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> PreparedRun {
    let source = try await DriverSource(checkout.driver)
    let emulator = try await Emulator.version()
    let base = try await BaseBuild.prepare(
      target.kernel, profile: target.profile, cache: place.cache, jobs: jobs, progress: progress)
    // A base takes minutes to build, and the file may be another by then.
    async let guestBinary = Digest.of(file: checkout.guestBinary)
    let initramfs = scratch.appending("initramfs.cpio")
    try await Initramfs.write(binary: checkout.guestBinary, to: initramfs, scratch: scratch)
    progress("the test driver")
    let method = try await SeriesTree.method(scratch: scratch, cage: cage)
    let driver = try await base.driver(source, cache: place.cache, method: method, jobs: jobs)
    return PreparedRun(
      target: target, place: place, base: base, driver: driver, method: method, cage: cage, initramfs: initramfs,
      guestBinary: try await guestBinary, driverSource: source.digest, emulator: emulator, scratch: scratch)
  }

  /// Connects to libvirt for as long as `body` runs, and finds out what guests run under.
  /// - Throws: ``LibvirtError``, and what `body` throws.
  public func withHost<Result: Sendable>(
    probing: @Sendable () -> Void, _ body: (LibvirtHost, ChosenAccelerator) async throws -> Result
  ) async throws -> Result {
    try await LibvirtHost.with(uri: target.connection, environment: place.environment) { host in
      let probe = AcceleratorProbe(
        choice: target.accelerator, cache: place.cache, emulator: emulator, kernel: base.image, initramfs: initramfs,
        scratch: scratch)
      return try await body(host, try await probe.choose(host, probing: probing))
    }
  }

  /// Writes an initramfs behind the guest binary's.
  /// - Parameter name: of the file, in the scratch directory.
  public func initramfs(_ name: String, _ extras: Initramfs.Extras) async throws -> FilePath {
    let file = scratch.appending(name)
    try await Initramfs.write(extras, behind: initramfs, to: file, scratch: scratch)
    return file
  }
}
