// SPDX-License-Identifier: Apache-2.0

import CProcess
import Foundation
import Glibc

/// A process that outlived the run for which it was started, for example a `make` whose patchbench was killed; or one of
/// a run that ends at once.
public struct LeftoverProcess: Sendable, Hashable {
  public var process: Int32
  /// The kernel's name for it.
  public var name: String
  /// The run for which it was started.
  public var owner: ProcessMark

  /// Returns all leftover processes of this user's runs.
  public static func all() -> [LeftoverProcess] { all { !$0.isAlive } }

  private static func all(whose isRight: (ProcessMark) -> Bool) -> [LeftoverProcess] {
    candidates().compactMap { started($0, by: isRight) }
  }

  /// Kills all leftover processes, and those that they start meanwhile.
  /// - Returns: the killed processes.
  public static func killAll() -> [LeftoverProcess] { killAll { !$0.isAlive } }

  /// Kills all processes that were started for this one, and those that they start meanwhile.
  public static func killOwn() { _ = killAll { $0 == .own } }

  private static func killAll(whose isRight: (ProcessMark) -> Bool) -> [LeftoverProcess] {
    var killed: [LeftoverProcess] = []
    // make may start a compiler while it is being killed. A process that is stuck in the kernel is not waited for.
    for _ in 0..<10 {
      let found = all(whose: isRight).filter { !killed.contains($0) }
      if found.isEmpty { break }
      for one in found where kill(one.process, if: { started(one.process, by: isRight) == one }) { killed.append(one) }
    }
    return killed
  }

  /// Kills a process and waits until it is gone, unless it is not the one that the caller means.
  /// - Parameter isRight: checks the process with that number. It is called while a handle to that very process is
  ///   open, so that a later process with the same number is never hit.
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

  /// - Returns: `nil` for a process of another user or name space, or of a run that is not meant. The process itself may
  ///   run in a cage, under another user.
  private static func started(_ process: Int32, by isRight: (ProcessMark) -> Bool) -> LeftoverProcess? {
    guard process != getpid(), let environment = ProcFile.text("/proc/\(process)/environ") else { return nil }
    let prefix = ProcessMark.variable + "="
    guard let entry = environment.split(separator: "\0").first(where: { $0.hasPrefix(prefix) }),
      let owner = ProcessMark(entry.dropFirst(prefix.count)), owner.isOurs, isRight(owner)
    else { return nil }
    let name = ProcFile.text("/proc/\(process)/comm")?.trimmingCharacters(in: .newlines) ?? ""
    return LeftoverProcess(process: process, name: name, owner: owner)
  }
}
