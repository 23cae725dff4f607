// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// Lines in the kernel's own log. They appear in the console between the kernel's reports, so that a report can be
/// attributed to the test that was running.
enum Kmsg {
  /// Opens the log anew for each line: the kernel lets an open file write ten lines in five seconds and drops the rest.
  static func say(_ text: String) {
    guard let log = try? OpenFile("/dev/kmsg", flags: O_WRONLY) else { return }
    defer { log.close() }
    log.write("<5>patchbench: \(text)\n")
  }
}
