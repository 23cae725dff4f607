// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// Makes the kernel log what it is doing (Documentation/admin-guide/sysrq.rst).
enum Sysrq {
  /// Done for this many tests and no more: it is hundreds of lines each time, and hung tests usually hang in the same
  /// way.
  private static let mostTimes = 3
  /// PID 1 has no threads.
  nonisolated(unsafe) private static var times = 0

  /// Logs blocked tasks with their stacks, held locks, and the CPUs' backtraces.
  static func tellWhatHangs() {
    if times == mostTimes { return }
    times += 1
    for key in ["w", "d", "l"] { try? writeText(key, to: "/proc/sysrq-trigger") }
  }
}
