// SPDX-License-Identifier: Apache-2.0

import Glibc
import SystemPackage

/// The two ways out of a guest.
public enum GuestOutput: String, Sendable, Hashable {
  case console, results

  /// The most bytes that are kept and read of one guest. A whole suite's console and results have 300 KB each. A kernel
  /// that warned in a loop was seen to write 44 MB of console, and all that it said is worth having. Results have no
  /// reason to be that long.
  public var most: Int {
    switch self {
    case .console: 64 << 20
    case .results: 16 << 20
    }
  }

  /// What ends a file that was cut.
  func lastLine(_ cut: Int) -> String {
    switch self {
    case .console: "patchbench: cut here; \(cut) bytes more came\n"
    case .results: "# patchbench: cut here; \(cut) bytes more came\n"
    }
  }
}

/// The names of the FIFOs between a guest's port and this process, as QEMU's `pipe` device wants them: it reads `NAME.in`
/// and writes `NAME.out`. It opens both for reading and writing, so neither side sees the other one's end close; with
/// one FIFO for both ways it would read its own words.
struct GuestPipe: Sendable, Hashable {
  /// What QEMU is told.
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

/// Takes what a guest sends in one way: copies it to a file and hands it on, as far as ``GuestOutput/most``, and beyond that
/// counts it.
///
/// The FIFO bounds the rate by itself: while it is full, the guest waits. It goes on being emptied when enough has
/// come, or a guest that only talks too much would hang for it.
struct GuestChannel: Sendable {
  let output: GuestOutput
  private let pipe: FileDescriptor
  private let file: FileDescriptor
  /// How much more may come before it is cut.
  private var room: Int
  private var cut = 0
  private var endsLine = true
  private var failed = false

  private static let chunk = 64 << 10
  /// How much is taken at once: what the FIFO holds, so that a guest that floods it gets no more than this for each time
  /// that somebody looks.
  private static let mostAtOnce = 1 << 20

  /// Opens both. To be done before QEMU is there: what a guest said that has ended is in the FIFO only while somebody has it
  /// open.
  /// - Parameter appending: to a file that has something already.
  /// - Throws: `Errno`
  init(_ output: GuestOutput, from pipe: GuestPipe, to file: FilePath, appending: Bool, most: Int) throws {
    self.output = output
    room = most
    self.pipe = try FileDescriptor.open(pipe.output, .readOnly, options: [.nonBlocking, .closeOnExec])
    // A FIFO has 64 KiB by default, a fifth of a console. With all of one in it, this process may be as slow as it
    // likes. An ordinary user has no more than 64 MiB of them, so it may be refused, and then the guest waits earlier.
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

  /// `F_SETPIPE_SZ`, which is Linux' own and hidden from Swift.
  private static let setPipeSize: Int32 = 1031

  /// Takes what has come, at most so much as one look may cost.
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

  /// Takes all that is left, once the guest is gone, says in the file what is missing there, and closes everything.
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
      // A disk that is full is no reason to be deaf.
      failed = true
      hear(.notKept(output, "\(error)"))
    }
  }

  /// What the FIFO has; nothing if it is empty, or has no writer at this time.
  private func next() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.chunk) { buffer, count in
      count = (try? pipe.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
  }
}
