// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Identifies a process for as long as the machine is up: its number, its start time, because numbers are reused, and
/// the name space in which the number is valid.
public struct ProcessMark: Sendable, Hashable {
  public var process: Int32
  /// In kernel ticks since boot.
  public var began: UInt64
  /// Its pid name space.
  public var space: String
  /// Its user.
  public var user: UInt32

  /// An environment variable of every tool and its descendants. It names the process for which they run.
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

  /// Parses the format of ``text``.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let process = Int32(parts[0]), let began = UInt64(parts[1]), let user = UInt32(parts[3])
    else { return nil }
    self.init(process: process, began: began, space: String(parts[2]), user: user)
  }

  /// `4711:189042:4026531836:1000`
  public var text: String { "\(process):\(began):\(space):\(user)" }

  /// Whether the process belongs to this user and to this pid name space.
  public var isOurs: Bool { space == Self.own.space && user == Self.own.user }

  /// Whether the process is alive; a zombie is not. Only known for our own.
  public var isAlive: Bool { Self.beginning(of: process) == began }

  /// - Returns: `nil` for a process that does not exist or is dead.
  static func beginning(of process: Int32) -> UInt64? {
    guard let status = ProcessStatus(process), status.isAlive else { return nil }
    return status.began
  }
}
