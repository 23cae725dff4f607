// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage

/// Watches the processes of one tool against its limits.
///
/// The kernel's own limits do not serve here: that on processes does not hold for root, control groups are seldom ours to
/// make, and neither knows what a tree takes on the disk. A tool can outrun the watch for a moment and no longer: its
/// processes cannot leave their namespace, and end with its first one.
struct ToolLimitWatch: Sendable {
  var limits: ToolLimits
  /// Where it may write what lasts.
  var writes: [FilePath]

  private static let interval = Duration.milliseconds(250)
  /// du walks through all that was written; it gets no more than this part of the time.
  private static let duShare = 20.0
  private static let duInterval = Duration.seconds(2)
  /// A fall of what the disk has left by so much of what is allowed is looked into at once: it is not known whose it is.
  private static let suddenShare: Int64 = 4

  /// - Parameter leader: its first process; `nil` before there is one.
  /// - Returns: what it exceeded.
  /// - Throws: `CancellationError`, when the tool has ended.
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
  /// Of the disk that it writes to most, in bytes.
  private var freeSpace: Int64 { writes.last.map { DiskSpace.free(at: $0) } ?? 0 }
}

/// The processes below one, and itself, at a moment.
struct Census {
  /// Threads, counted one by one.
  var processes = 0
  /// What they hold, in bytes; pages that several share count for each.
  var memory: Int64 = 0

  /// - Parameter most: counting ends with one more.
  init(below leader: pid_t, counting most: Int) {
    let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
    var pending = [leader]
    while let process = pending.popLast(), processes <= most {
      let sizes = ProcFile.text("/proc/\(process)/statm")?.split(separator: " ") ?? []
      if sizes.count > 1 { memory += (Int64(sizes[1]) ?? 0) * page }
      // A child is listed with the thread that started it. Threads count like processes: the kernel has as much of them.
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
      processes += threads.count
      for thread in threads {
        let children = ProcFile.text("/proc/\(process)/task/\(thread)/children") ?? ""
        pending += children.split(separator: " ").compactMap { pid_t($0) }
      }
    }
  }
}
