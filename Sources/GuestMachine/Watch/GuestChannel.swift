// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// The two output channels of a guest.
public enum GuestOutput: String, Sendable, Hashable {
  case console, results

  /// The maximum number of bytes that are kept and read of one guest. A whole suite's console and results have 300 KB
  /// each. A kernel that warned in a loop once wrote 44 MB of console, all of it worth having. Results have no reason
  /// to be that long.
  public var most: Int {
    switch self {
    case .console: 64 << 20
    case .results: 16 << 20
    }
  }

  /// The last line of a file that was cut.
  func lastLine(_ cut: Int) -> String {
    switch self {
    case .console: "patchbench: cut here; \(cut) more bytes followed\n"
    case .results: "# patchbench: cut here; \(cut) more bytes followed\n"
    }
  }
}

/// The names of the FIFOs between a guest's port and this process, as QEMU's `pipe` device requires: it reads `NAME.in`
/// and writes `NAME.out`. It opens both for reading and writing, so neither side sees the other close its end. With one
/// FIFO for both directions, it would read its own output.
struct GuestPipe: Sendable, Hashable {
  /// The name that is passed to QEMU.
  let name: FilePath
  var input: FilePath { FilePath(name.string + ".in") }
  var output: FilePath { FilePath(name.string + ".out") }

  /// - Throws: `Errno`
  func make() throws {
    for path in [input, output] {
      guard mkfifo(path.string, 0o600) == 0 else { throw Errno(rawValue: errno) }
    }
  }
}

/// Receives one output of a guest: copies it to a file and passes it on, up to ``GuestOutput/most``, and
/// counts the rest.
///
/// The FIFO limits the rate by itself: while it is full, the guest waits. It is still drained beyond the limit, because
/// a guest that merely prints too much would otherwise hang.
struct GuestChannel: Sendable {
  let output: GuestOutput
  private let pipe: FileDescriptor
  private let file: FileDescriptor
  /// How many more bytes may come before the output is cut.
  private var room: Int
  private var cut = 0
  private var endsLine = true
  private var failed = false

  private static let chunk = 64 << 10
  /// The maximum that is taken per poll. It is the capacity of the FIFO, so that a guest that floods it gets no more
  /// than that per poll.
  private static let mostAtOnce = 1 << 20

  /// Opens both. This must happen before QEMU starts: the FIFO keeps the output of a guest that has ended only while
  /// some process has it open.
  /// - Parameter appending: to a file that already has contents.
  /// - Throws: `Errno`
  init(_ output: GuestOutput, from pipe: GuestPipe, to file: FilePath, appending: Bool, most: Int) throws {
    self.output = output
    room = most
    self.pipe = try FileDescriptor.open(pipe.output, .readOnly, options: [.nonBlocking, .closeOnExec])
    // A FIFO has 64 KiB by default, a fifth of a console. If it holds a whole console, the guest does not wait for this
    // process. An ordinary user has at most 64 MiB of FIFOs, so this may fail, and then the guest waits earlier.
    _ = fcntl(self.pipe.rawValue, Self.setPipeSize, Int32(Self.mostAtOnce))
    do {
      self.file = try FileDescriptor.open(
        file, .writeOnly, options: [.create, .closeOnExec, appending ? .append : .truncate],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      try? self.pipe.close()
      throw error
    }
  }

  /// `F_SETPIPE_SZ`, which is Linux-specific and not visible in Swift.
  private static let setPipeSize: Int32 = 1031

  /// Takes the available output, up to the limit per poll.
  /// - Returns: whether there may be more.
  mutating func take(_ hear: (MachineSignal) -> Void) -> Bool {
    var taken = 0
    while taken < Self.mostAtOnce {
      let bytes = next()
      if bytes.isEmpty { return false }
      taken += bytes.count
      let kept = min(room, bytes.count)
      room -= kept
      if kept > 0 { keep(kept == bytes.count ? bytes : Array(bytes[..<kept]), hear) }
      if kept < bytes.count {
        cut += bytes.count - kept
        hear(.cut(output, bytes: bytes.count - kept))
      }
    }
    return true
  }

  /// Takes all that is left once the guest is gone, notes in the file how much is missing, and closes everything.
  mutating func finish(_ hear: (MachineSignal) -> Void) {
    while take(hear) {}
    if cut > 0 { _ = try? file.writeAll(((endsLine ? "" : "\n") + output.lastLine(cut)).utf8) }
    close()
  }

  func close() {
    try? pipe.close()
    try? file.close()
  }

  private mutating func keep(_ bytes: [UInt8], _ hear: (MachineSignal) -> Void) {
    hear(output == .console ? .console(bytes) : .results(bytes))
    endsLine = bytes.last == UInt8(ascii: "\n")
    if failed { return }
    do {
      try file.writeAll(bytes)
    } catch {
      // Keep reading even if the disk is full.
      failed = true
      hear(.notKept(output, "\(error)"))
    }
  }

  /// Returns what the FIFO has; nothing if it is empty, or currently has no writer.
  private func next() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.chunk) { buffer, count in
      count = (try? pipe.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
  }
}
