// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import GuestProtocol
import SystemPackage
import Toolbox

/// The files that QEMU opens by name for one guest, in a directory that is removed with the guest.
struct GuestFiles: Sendable, Hashable {
  let directory: FilePath
  /// The kernel that it boots.
  var kernel: FilePath
  var initramfs: FilePath

  var console: GuestPipe { GuestPipe(name: directory.appending("console")) }
  var results: GuestPipe { GuestPipe(name: directory.appending("results")) }
  /// Its state disk.
  var state: FilePath { directory.appending("state") }
  var orders: GuestPipe { GuestPipe(name: directory.appending("orders")) }

  init(_ spec: MachineSpec, in directory: FilePath) {
    self.directory = directory
    kernel = spec.kernel
    initramfs = spec.initramfs
  }

  /// Creates the files while `body` runs.
  /// - Parameters:
  ///   - parent: an existing directory.
  ///   - account: the only account that can open them; `nil` for the current user.
  /// - Throws: `Errno`, ``ToolError``, what Foundation throws if a file cannot be copied, and what `body` throws.
  static func with<Result>(
    _ spec: MachineSpec, in parent: FilePath, for account: GuestAccount?, _ body: (GuestFiles) async throws -> Result
  ) async throws -> Result {
    var files = GuestFiles(spec, in: parent.appending("guest-\(spec.name)"))
    guard mkdir(files.directory.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
    do {
      try await StateDisk.make(files.state)
      files = try await Blocking.run { [files] in
        Swift.Result {
          var files = files
          try files.make(spec, for: account)
          return files
        }
      }.get()
      let result = try await body(files)
      await Blocking.run { [files] in files.remove() }
      return result
    } catch {
      await Blocking.run { [files] in files.remove() }
      throw error
    }
  }

  private mutating func make(_ spec: MachineSpec, for account: GuestAccount?) throws {
    var pipes = [console, results]
    if spec.hold != nil { pipes.append(orders) }
    for pipe in pipes { try pipe.make() }
    if let secret = spec.secret, spec.hold == nil {
      // Always a copy, so that no other guest can find it.
      initramfs = directory.appending("initramfs")
      var archive = try Data(contentsOf: URL(filePath: spec.initramfs.string))
      archive.append(contentsOf: Initramfs.archive(GuestSecret.path, secret.text, behind: archive.count))
      try archive.write(to: URL(filePath: initramfs.string))
      guard chmod(initramfs.string, 0o600) == 0 else { throw Errno(rawValue: errno) }
    }
    guard let account else { return }
    for path in pipes.flatMap({ [$0.input, $0.output] }) + [state] { try account.give(path, 0o660) }
    kernel = directory.appending("kernel")
    try Self.place(spec.kernel, as: kernel, for: account)
    if initramfs == spec.initramfs {
      initramfs = directory.appending("initramfs")
      try Self.place(spec.initramfs, as: initramfs, for: account)
    } else {
      try account.give(initramfs, 0o640)
    }
    try account.passThrough(directory)
  }

  /// Makes a file readable for the account, even if it is in a directory that only root can enter. A link costs
  /// nothing, and copying a kernel takes 20 ms.
  private static func place(_ file: FilePath, as name: FilePath, for account: GuestAccount) throws {
    var status = stat()
    // A link shares the mode of the file itself, which we must not change.
    if stat(file.string, &status) == 0, status.st_mode & S_IROTH != 0, link(file.string, name.string) == 0 { return }
    try FileManager.default.copyItem(atPath: file.string, toPath: name.string)
    try account.give(name, 0o640)
  }

  /// Opens the guest's outputs, and the files they go to. The console of a guest with a terminal is not read here.
  /// - Parameter appending: to the files' contents.
  func channels(_ spec: MachineSpec, appending: Bool) throws -> [GuestChannel] {
    let results = try GuestChannel(
      .results, from: results, to: spec.results, appending: appending, most: spec.mostResults)
    if spec.hasTerminal { return [results] }
    do {
      let console = try GuestChannel(
        .console, from: console, to: spec.console, appending: appending, most: spec.mostConsole)
      return [console, results]
    } catch {
      results.close()
      throw error
    }
  }

  /// Writes the guest's orders to their FIFO. They are lost when its last descriptor is closed, so a guest that died
  /// without reading them leaves none to the next.
  /// - Returns: the descriptor that must stay open until the guest is gone; `nil` for a guest without orders.
  func giveOrders(_ spec: MachineSpec) throws -> FileDescriptor? {
    guard let hold = spec.hold else { return nil }
    // Opened for reading as well, because it can then be opened before there is a reader.
    let fifo = try FileDescriptor.open(orders.input, .readWrite, options: [.nonBlocking, .closeOnExec])
    let bytes = Array(hold.orders.utf8)
    do {
      guard try bytes.withUnsafeBytes({ try fifo.write($0) }) == bytes.count else { throw Errno.noSpace }
      return fifo
    } catch {
      try? fifo.close()
      throw error
    }
  }

  private func remove() { try? FileManager.default.removeItem(atPath: directory.string) }
}
