import Foundation
import Glibc
import GuestProtocol
import SystemPackage
import Toolbox

/// The files of a saved guest, in a directory of their own.
struct SavedFiles: Sendable {
  private var directory: FilePath

  /// What libvirt saves.
  var state: FilePath { directory.appending("state") }
  /// The FIFO that is there while a guest runs.
  var orders: FilePath { directory.appending("orders") }
  private var console: FilePath { directory.appending("console.log") }

  static func with<Result>(_ parent: FilePath, _ body: (SavedFiles) async throws -> Result) async throws -> Result {
    let files = SavedFiles(directory: parent.appending("saved-\(UUID().uuidString)"))
    try FileManager.default.createDirectory(atPath: files.directory.string, withIntermediateDirectories: true)
    do {
      guard mkfifo(files.orders.string, 0o600) == 0 else { throw Errno(rawValue: errno) }
      let result = try await body(files)
      await files.remove()
      return result
    } catch {
      await files.remove()
      throw error
    }
  }

  private func remove() async {
    await Blocking.run { [directory] in try? FileManager.default.removeItem(atPath: directory.string) }
  }

  func keepConsole(_ file: FilePath) throws {
    try FileManager.default.copyItem(atPath: file.string, toPath: console.string)
  }

  func startConsole(_ file: FilePath) throws {
    if FileManager.default.fileExists(atPath: file.string) { try FileManager.default.removeItem(atPath: file.string) }
    try FileManager.default.copyItem(atPath: console.string, toPath: file.string)
  }

  /// Leaves orders in the FIFO for as long as `body` runs. They are lost when the last one closes it, so a guest that
  /// died without reading them leaves none to the next.
  func withOrders<Result>(_ options: GuestOptions, _ body: () async throws -> Result) async throws -> Result {
    let bytes = Array(options.orders.utf8)
    guard bytes.count <= GuestHold.longestOrders else { throw SavedGuestError.ordersTooLong(bytes: bytes.count) }
    // For reading as well: it can then be opened before there is a reader.
    let fifo = try FileDescriptor.open(orders, .readWrite, options: [.nonBlocking, .closeOnExec])
    defer { try? fifo.close() }
    guard try bytes.withUnsafeBytes({ try fifo.write($0) }) == bytes.count else { throw Errno.noSpace }
    return try await body()
  }
}
