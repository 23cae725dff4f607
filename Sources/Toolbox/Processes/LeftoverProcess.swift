// SPDX-License-Identifier: Apache-2.0

import CProcess
import Foundation
import Glibc

/// A process that outlived the run on whose behalf it was started: a `make` whose patchbench was killed, for one.
public struct LeftoverProcess: Sendable, Hashable {
  public var process: Int32
  /// Its name, as the kernel has it.
  public var name: String
  /// The run that it was started for, which is over.
  public var owner: ProcessMark

  /// All that there are of this user's runs.
  public static func all() -> [LeftoverProcess] { candidates().compactMap { stray($0) } }

  /// Kills all strays, and those that they start meanwhile.
  /// - Returns: what was killed.
  public static func killAll() -> [LeftoverProcess] {
    var killed: [LeftoverProcess] = []
    // A compiler may be started while make is being killed. One that is stuck in the kernel is not waited for.
    for _ in 0..<10 {
      let found = all().filter { !killed.contains($0) }
      if found.isEmpty { break }
      for one in found where kill(one.process, if: { stray(one.process) == one }) { killed.append(one) }
    }
    return killed
  }

  /// Kills a process and waits until it is gone, unless it is another than the caller thinks.
  /// - Parameter isRight: looks at the process of that number. It is asked when there is a hold on that very process, so
  ///   that one which gets the number later is never hit.
  /// - Returns: whether it was killed.
  public static func kill(_ process: Int32, if isRight: () -> Bool) -> Bool {
    let descriptor = cprocess_open(process)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard isRight(), cprocess_signal(descriptor, SIGKILL) == 0 else { return false }
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = Glibc.poll(&poll, 1, 5000)
    return true
  }

  private static func candidates() -> [Int32] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }.sorted()
  }

  /// - Returns: `nil` for a process that was started for another user or in another name space, or whose run goes on. It
  ///   may itself live in a cage, under another user.
  private static func stray(_ process: Int32) -> LeftoverProcess? {
    guard process != getpid(), let environment = ProcFile.text("/proc/\(process)/environ") else { return nil }
    let prefix = ProcessMark.variable + "="
    guard let entry = environment.split(separator: "\0").first(where: { $0.hasPrefix(prefix) }),
      let owner = ProcessMark(entry.dropFirst(prefix.count)), owner.isOurs, !owner.isAlive
    else { return nil }
    let name = ProcFile.text("/proc/\(process)/comm")?.trimmingCharacters(in: .newlines) ?? ""
    return LeftoverProcess(process: process, name: name, owner: owner)
  }
}
