// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// A small disk for this guest only, to which PID 1 continuously writes its reports to the host and the kernel's log.
/// Both also leave the guest on other channels; the disk survives a kernel that loses what goes there. The host reads
/// it once the guest is gone.
final class StateDisk {
  private static let device = "/dev/vda"
  /// As the host formats it.
  private static let type = "ext2"
  static let folder = "/state"

  private let results: OpenFile
  private let log: OpenFile
  private let kernel: KernelLog

  /// - Parameters:
  ///   - folder: where the disk is mounted.
  ///   - kernel: the source of log records.
  init(in folder: String, kernel: KernelLog) throws(Failure) {
    results = try OpenFile("\(folder)/results", flags: O_WRONLY | O_CREAT | O_APPEND)
    log = try OpenFile("\(folder)/kmsg", flags: O_WRONLY | O_CREAT | O_APPEND)
    self.kernel = kernel
  }

  /// - Returns: `nil` if the guest has no disk, or if it cannot be used, which is then reported in the kernel's log.
  static func open() -> StateDisk? {
    guard access(device, F_OK) == 0 else { return nil }
    do throws(Failure) {
      mkdir(folder, 0o700)
      let flags = UInt(MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME)
      if mount(device, folder, type, flags, nil) < 0 { throw Failure.call("mount of \(device)") }
      return try StateDisk(in: folder, kernel: KernelLog())
    } catch {
      Kmsg.say("no state is kept: \(error)")
      return nil
    }
  }

  /// Appends what also goes to the results port. A full disk keeps what it has.
  func write(_ piece: String) { results.write(piece) }

  /// Appends what the kernel has logged since the last call, and syncs the disk.
  func sync() {
    log.write(kernel.take())
    fdatasync(results.number)
    fdatasync(log.number)
  }
}

/// The kernel's log, record by record: `priority,number,microseconds,flags;text`, as described in
/// Documentation/ABI/testing/dev-kmsg.
final class KernelLog {
  /// The longest record is 8 KiB (`PRINTKRB_RECORD_MAX` and its prefix in `kernel/printk/printk.c`).
  private static let longest = 16384
  /// A kernel that keeps logging must not keep PID 1 from the tests.
  private static let most = 4096

  private let file: OpenFile

  init(_ path: String = "/dev/kmsg") throws(Failure) {
    file = try OpenFile(path, flags: O_RDONLY | O_NONBLOCK)
  }

  /// Returns the new records.
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
