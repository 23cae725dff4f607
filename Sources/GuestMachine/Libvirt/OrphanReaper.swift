// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Glibc
import Toolbox

/// Sees to it that a QEMU that has ended is gone at once.
///
/// libvirt's embedded driver starts QEMU as a daemon, which makes the system's first process its parent, and tells of a
/// guest's end only when the process is gone altogether. A first process that is slow to ask for its dead children, or
/// never does, as in many containers, holds that up by seconds for each guest. So this process takes its orphans in
/// itself.
enum OrphanReaper {
  private static let started: Bool = {
    // Without these lists they could not be found, and nobody else would ask for them.
    guard access("/proc/self/task/\(getpid())/children", R_OK) == 0, clibvirt_adopt_orphans() == 0 else { return false }
    let thread = Thread {
      while true {
        reap()
        usleep(interval)
      }
    }
    thread.name = "orphans"
    thread.start()
    return true
  }()

  /// In microseconds. Short against the fifth of a second in which libvirt looks again.
  private static let interval: UInt32 = 50_000

  /// Begins, once for the process; where it cannot, all is as it would be without it.
  static func start() { _ = started }

  private static func reap() {
    let own = getsid(0)
    for child in children() {
      let session = getsid(child)
      // Tools are of this process' session. A daemon is of another, and not its leader: that was the process between,
      // for which libvirt waits itself.
      if session > 0, session != own, session != child { waitpid(child, nil, WNOHANG) }
    }
  }

  /// All children; the kernel lists them by the thread that they belong to.
  private static func children() -> [pid_t] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return threads.flatMap { thread in
      let text = ProcFile.text("/proc/self/task/\(thread)/children") ?? ""
      return text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    }
  }
}
