// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Makes the kernel say in its log what it is doing (Documentation/admin-guide/sysrq.rst).
enum Sysrq {
  /// Said of this many tests and no more: it is hundreds of lines each time, and what hangs usually hangs the same way.
  private static let mostTimes = 3
  /// PID 1 has no threads.
  nonisolated(unsafe) private static var times = 0

  /// Blocked tasks with their stacks, held locks, and where the processors are.
  static func tellWhatHangs() {
    if times == mostTimes { return }
    times += 1
    for key in ["w", "d", "l"] { try? writeText(key, to: "/proc/sysrq-trigger") }
  }
}
