// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Foundation
import Glibc
import Toolbox

/// Reaps a QEMU as soon as it has exited.
///
/// libvirt's embedded driver starts QEMU as a daemon, which makes it a child of init, and reports a guest's end only
/// once the process is completely gone. An init that is slow to reap, or never does, as in many containers, delays that
/// by seconds per guest. So this process adopts its orphans itself.
enum OrphanReaper {
  private static let started: Bool = {
    // Without these lists, orphans could not be found, and nothing else would reap them.
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

  /// In microseconds. Short compared with the 200 ms between libvirt's checks.
  private static let interval: UInt32 = 50_000

  /// Starts the reaper, once per process. If it cannot run, everything works as without it.
  static func start() { _ = started }

  private static func reap() {
    let own = getsid(0)
    for child in children() {
      let session = getsid(child)
      // Tools are in this process's session. A daemon is in another session, but is not its leader. The leader was the
      // intermediate process, which libvirt waits for itself.
      if session > 0, session != own, session != child { waitpid(child, nil, WNOHANG) }
    }
  }

  /// All children; the kernel lists them per thread.
  private static func children() -> [pid_t] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return threads.flatMap { thread in
      let text = ProcFile.text("/proc/self/task/\(thread)/children") ?? ""
      return text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    }
  }
}
