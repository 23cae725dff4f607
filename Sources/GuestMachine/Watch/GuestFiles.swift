// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import GuestProtocol
import SystemPackage
import Toolbox

/// What QEMU opens by name for one guest, in a directory of the guest's own that is gone with it.
struct GuestFiles: Sendable, Hashable {
  let directory: FilePath
  /// What it boots.
  var kernel: FilePath
  var initramfs: FilePath

  var console: GuestPipe { GuestPipe(name: directory.appending("console")) }
  var results: GuestPipe { GuestPipe(name: directory.appending("results")) }
  /// The disk that it keeps its state on.
  var state: FilePath { directory.appending("state") }
  var orders: GuestPipe { GuestPipe(name: directory.appending("orders")) }

  init(_ spec: MachineSpec, in directory: FilePath) {
    self.directory = directory
    kernel = spec.kernel
    initramfs = spec.initramfs
  }

  /// Makes them for as long as `body` runs.
  /// - Parameters:
  ///   - parent: a directory that is there.
  ///   - account: who has to be able to open them, and nobody else; `nil` for whoever this is.
  /// - Throws: `Errno`, ``ToolError``, what Foundation throws of a file that cannot be copied, and what `body` throws.
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
      // A copy in any case: no other guest is to find it.
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

  /// Makes a file that may lie where nobody but root comes readable for an account. A link costs nothing, and a copy of a
  /// kernel a fiftieth of a second.
  private static func place(_ file: FilePath, as name: FilePath, for account: GuestAccount) throws {
    var status = stat()
    // The mode of a link is that of the file itself, which is not ours to change.
    if stat(file.string, &status) == 0, status.st_mode & S_IROTH != 0, link(file.string, name.string) == 0 { return }
    try FileManager.default.copyItem(atPath: file.string, toPath: name.string)
    try account.give(name, 0o640)
  }

  /// Opens what the guest says, and the files it goes to. The console of a guest with a terminal is not heard here.
  /// - Parameter appending: to what is in the files.
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

  /// Leaves the guest's orders in their FIFO. They are lost when the last one closes it, so a guest that died without
  /// reading them leaves none to the next.
  /// - Returns: what has to stay open until the guest is gone; `nil` for one that gets none.
  func giveOrders(_ spec: MachineSpec) throws -> FileDescriptor? {
    guard let hold = spec.hold else { return nil }
    // For reading as well: it can then be opened before there is a reader.
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
