// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Lines in the kernel's own log. They stand in the console between the kernel's reports, so that a report can be laid
/// to the test that was running.
enum Kmsg {
  /// Opens the log anew for each line: the kernel lets ten lines of one open file through in five seconds and drops the
  /// rest.
  static func say(_ text: String) {
    guard let log = try? OpenFile("/dev/kmsg", flags: O_WRONLY) else { return }
    defer { log.close() }
    log.write("<5>patchbench: \(text)\n")
  }
}
