// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Names a process for as long as the machine is up: its number and when it began, since numbers come round again, and
/// where the number holds.
public struct ProcessMark: Sendable, Hashable {
  public var process: Int32
  /// In the kernel's ticks since it was booted.
  public var began: UInt64
  /// The name space of process numbers that it lives in.
  public var space: String
  /// The user that it belongs to.
  public var user: UInt32

  /// The variable that every tool has in its environment, and whoever it starts: the process on whose behalf it runs.
  public static let variable = "PATCHBENCH_OWNER"

  /// This process.
  public static let own = ProcessMark(
    process: getpid(), began: beginning(of: getpid()) ?? 0,
    space: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"))?.filter(\.isNumber) ?? "",
    user: getuid())

  private init(process: Int32, began: UInt64, space: String, user: UInt32) {
    self.process = process
    self.began = began
    self.space = space
    self.user = user
  }

  /// Reads what ``text`` wrote.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let process = Int32(parts[0]), let began = UInt64(parts[1]), let user = UInt32(parts[3])
    else { return nil }
    self.init(process: process, began: began, space: String(parts[2]), user: user)
  }

  /// `4711:189042:4026531836:1000`
  public var text: String { "\(process):\(began):\(space):\(user)" }

  /// Whether that process is one of this user's and its number means here what it means there.
  public var isOurs: Bool { space == Self.own.space && user == Self.own.user }

  /// Whether that process is still there; one that is dead and was not asked for is not. Can be told of ours only.
  public var isAlive: Bool { Self.beginning(of: process) == began }

  /// - Returns: `nil` for a process that is not there, or is dead.
  static func beginning(of process: Int32) -> UInt64? {
    guard let status = ProcessStatus(process), status.isAlive else { return nil }
    return status.began
  }
}
