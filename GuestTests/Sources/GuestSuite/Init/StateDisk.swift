// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A small disk of the guest's own, on which PID 1 leaves what it tells the host and what the kernel has logged, as it
/// goes. Both also leave the guest by ways of their own; a kernel that loses what goes there does not lose this. The host
/// reads it when the guest is gone.
final class StateDisk {
  private static let device = "/dev/vda"
  /// As the host makes it.
  private static let type = "ext2"
  static let folder = "/state"

  private let results: OpenFile
  private let log: OpenFile
  private let kernel: KernelLog

  /// In the folder at which the disk is mounted.
  /// - Parameter kernel: where records come from.
  init(in folder: String, kernel: KernelLog) throws(CallFailed) {
    results = try OpenFile("\(folder)/results", flags: O_WRONLY | O_CREAT | O_APPEND)
    log = try OpenFile("\(folder)/kmsg", flags: O_WRONLY | O_CREAT | O_APPEND)
    self.kernel = kernel
  }

  /// - Returns: `nil` if the guest has none, or it cannot be used, which is then said in the kernel's log.
  static func open() -> StateDisk? {
    guard access(device, F_OK) == 0 else { return nil }
    do throws(CallFailed) {
      mkdir(folder, 0o700)
      let flags = UInt(MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME)
      if mount(device, folder, type, flags, nil) < 0 { throw CallFailed("mount of \(device)") }
      return try StateDisk(in: folder, kernel: KernelLog())
    } catch {
      Kmsg.say("no state is kept: \(error.call): \(errnoName(error.code))")
      return nil
    }
  }

  /// Adds what also goes to the results port. A full disk keeps what it has.
  func write(_ piece: String) { results.write(piece) }

  /// Adds what the kernel has logged since the last time, and has all of it on the disk.
  func sync() {
    log.write(kernel.take())
    fdatasync(results.number)
    fdatasync(log.number)
  }
}

/// The kernel's log, record by record: `priority,number,microseconds,flags;text`, as Documentation/ABI/testing/dev-kmsg has
/// it.
final class KernelLog {
  /// The longest record is 8 KiB (`PRINTKRB_RECORD_MAX` and what it is preceded by in `kernel/printk/printk.c`).
  private static let longest = 16384
  /// A kernel that never ends to log must not keep PID 1 from the tests.
  private static let most = 4096

  private let file: OpenFile

  init(_ path: String = "/dev/kmsg") throws(CallFailed) {
    file = try OpenFile(path, flags: O_RDONLY | O_NONBLOCK)
  }

  /// The records that are new.
  func take() -> String {
    var text: [UInt8] = []
    var record = [UInt8](repeating: 0, count: Self.longest)
    for _ in 0..<Self.most {
      let count = read(file.number, &record, record.count)
      if count > 0 {
        text += record[..<count]
      } else if count == 0 || (errno != EPIPE && errno != EINTR) {
        break
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
