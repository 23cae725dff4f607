// SPDX-License-Identifier: Apache-2.0

internal import CLibc

/// What a test may leave in the guest beyond its own process: other processes, and mounts. The next test must find
/// neither.
struct LeftBehind {
  /// Polls as urgent when a mount was added or removed (`mounts_poll()` in fs/proc_namespace.c).
  private let mounts: OpenFile?
  private let start: Set<String>

  /// Remembers the mounts of this moment.
  init() {
    mounts = try? OpenFile("/proc/self/mounts", flags: O_RDONLY)
    start = Set(Self.places())
    _ = hasChanged()
  }

  /// Kills and reaps every process but this one, which is PID 1, and removes what was mounted since the start.
  ///
  /// The tracer's file system stays: tests mount it for all that follow.
  func clear() {
    // Any other process would end those of the user who started it.
    guard getpid() == 1 else { return }
    endProcesses()
    guard hasChanged() else { return }
    for place in Self.places().reversed() where !start.contains(place) && !place.hasPrefix("/sys/") {
      umount2(place, Int32(MNT_DETACH))
    }
    _ = hasChanged()
  }

  /// Orphans are PID 1's children, so without children there is nobody left. One that hangs in the kernel stays.
  private func endProcesses() {
    if waitpid(-1, nil, WNOHANG) < 0 { return }
    kill(-1, SIGKILL)
    for _ in 0..<Self.patience {
      let process = waitpid(-1, nil, WNOHANG)
      if process < 0 { return }
      if process == 0 { usleep(2000) }
    }
  }

  /// Rounds of two milliseconds that killed processes get to die.
  private static let patience = 50

  private func hasChanged() -> Bool {
    guard let mounts else { return true }
    var polled = pollfd(fd: mounts.number, events: Int16(POLLPRI), revents: 0)
    return poll(&polled, 1, 0) > 0 && polled.revents & Int16(POLLPRI | POLLERR) != 0
  }

  /// The directories that something is mounted on, in the order of the mounts.
  /// - Parameter text: the text of /proc/self/mounts; `nil` reads it.
  static func places(in text: String? = nil) -> [String] {
    guard let text = text ?? (try? readText("/proc/self/mounts")) else { return [] }
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      return words.count > 1 ? String(words[1]) : nil
    }
  }
}
