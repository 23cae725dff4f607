// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage

/// Enforces the limits of one tool on its processes.
///
/// The kernel's own limits do not suffice: the limit on processes does not apply to root, control groups are rarely
/// delegated to us, and neither covers the disk space that a tree takes. A tool can outrun the watch only for a moment:
/// its processes cannot leave their namespace, and end with its first one.
struct ToolLimitWatch: Sendable {
  var limits: ToolLimits
  /// The directories to which it may write persistent files.
  var writes: [FilePath]

  private static let interval = Duration.milliseconds(250)
  /// du walks through everything that was written; it gets no more than this part of the time.
  private static let duShare = 20.0
  private static let duInterval = Duration.seconds(2)
  /// If the free disk space drops by this share of the limit, it is checked at once, because it is unknown whose fault
  /// that is.
  private static let suddenShare: Int64 = 4

  /// - Parameter leader: its first process; `nil` before there is one.
  /// - Returns: the exceeded limit.
  /// - Throws: `CancellationError` when the tool has ended.
  func watch(_ leader: @Sendable () -> pid_t?) async throws -> Excess {
    var nextDisk = ContinuousClock.now + Self.duInterval
    var free = freeSpace
    while true {
      try await Task.sleep(for: Self.interval)
      guard let leader = leader() else { continue }
      let census = await Blocking.run { [limits] in Census(below: leader, counting: limits.processes) }
      if census.processes > limits.processes { return .processes(limits.processes) }
      if census.memory > limits.memory { return .memory(bytes: limits.memory) }
      let isSudden = free - freeSpace > limits.disk / Self.suddenShare
      if ContinuousClock.now < nextDisk, !isSudden { continue }
      let begun = ContinuousClock.now
      free = freeSpace
      if !writes.isEmpty, try await DiskUsage.bytes(of: writes) > limits.disk { return .disk(bytes: limits.disk) }
      nextDisk = .now + max(Self.duInterval, (.now - begun) * Self.duShare)
    }
  }
}

extension ToolLimitWatch {
  /// The free space of the disk that it writes to most, in bytes.
  private var freeSpace: Int64 { writes.last.map { DiskSpace.free(at: $0) } ?? 0 }
}

/// The processes below one, including itself, at one moment.
struct Census {
  /// The number of threads.
  var processes = 0
  /// Their memory in bytes; pages shared by several processes count for each.
  var memory: Int64 = 0

  /// - Parameter most: counting stops just above this number.
  init(below leader: pid_t, counting most: Int) {
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    var pending = [leader]
    while let process = pending.popLast(), processes <= most {
      let sizes = ProcFile.text("/proc/\(process)/statm")?.split(separator: " ") ?? []
      if sizes.count > 1 { memory += (Int64(sizes[1]) ?? 0) * page }
      // A child is listed under the thread that started it. Threads count like processes, because they cost the kernel
      // as much.
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
      processes += threads.count
      for thread in threads {
        let children = ProcFile.text("/proc/\(process)/task/\(thread)/children") ?? ""
        pending += children.split(separator: " ").compactMap { pid_t($0) }
      }
    }
  }
}
