// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import GuestMachine
import SystemPackage
import Toolbox

/// Connects this process's terminal to a guest's serial line until the guest ends or the user leaves.
struct TerminalLine: Sendable {
  /// The host's end of the serial line.
  private let line: FilePath
  /// Ctrl-], as in telnet and `virsh console`.
  private static let escape: UInt8 = 0x1d
  private static let endOfInput: UInt8 = 0x04
  private static let prompt = Array(Initramfs.shellPrompt.utf8)

  init(_ line: FilePath) { self.line = line }

  /// Connects, and returns when the guest ends or the user leaves.
  /// - Throws: `Errno` if the line cannot be opened.
  func connect() async throws {
    let number = open(line.string, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard number >= 0 else { throw Errno(rawValue: errno) }
    let guest = FileDescriptor(rawValue: number)
    defer { try? guest.close() }
    let isOver = Locked(false)
    let settings = Self.makeRaw()
    defer { Self.restore(settings) }
    await withTaskCancellationHandler {
      await Blocking.run { Self.pump(guest, while: { !isOver.withLock { $0 } }) }
    } onCancel: {
      isOver.withLock { $0 = true }
    }
  }

  /// Copies bytes both ways. It blocks, so it runs on its own thread.
  private static func pump(_ guest: FileDescriptor, while goesOn: () -> Bool) {
    var ends = [
      pollfd(fd: guest.rawValue, events: Int16(POLLIN), revents: 0), pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
    ]
    var buffer = [UInt8](repeating: 0, count: 4096)
    // Piped input waits for the prompt: a serial line that nobody reads yet drops characters.
    var waits = isatty(0) == 0
    var seen: [UInt8] = []
    while goesOn() {
      guard poll(&ends, nfds_t(waits ? 1 : ends.count), 200) >= 0 || errno == EINTR else { return }
      if ends[0].revents != 0 {
        let count = read(guest.rawValue, &buffer, buffer.count)
        // The guest is gone, and so is its end of the line.
        if count <= 0 { return }
        if (try? FileDescriptor.standardOutput.writeAll(buffer[..<count])) == nil { return }
        if waits {
          seen = (seen + buffer[..<count]).suffix(prompt.count + count)
          waits = seen.firstRange(of: prompt) == nil
        }
      }
      if !waits, ends.count > 1, ends[1].revents != 0 {
        let count = read(0, &buffer, buffer.count)
        if count <= 0 {
          // The piped input has ended, but its commands may still be running.
          _ = try? guest.writeAll([endOfInput])
          ends.removeLast()
          continue
        }
        if isatty(0) == 1, buffer[..<count].contains(escape) { return }
        if (try? guest.writeAll(buffer[..<count])) == nil { return }
      }
    }
  }

  /// Puts the terminal into raw mode.
  /// - Returns: the previous settings; `nil` if there is no terminal.
  private static func makeRaw() -> termios? {
    var settings = termios()
    guard isatty(0) == 1, tcgetattr(0, &settings) == 0 else { return nil }
    var raw = settings
    cfmakeraw(&raw)
    tcsetattr(0, TCSANOW, &raw)
    return settings
  }

  private static func restore(_ settings: termios?) {
    guard var settings else { return }
    tcsetattr(0, TCSANOW, &settings)
  }
}
