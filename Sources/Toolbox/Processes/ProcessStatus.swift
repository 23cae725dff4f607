// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The status of a process from `/proc/PID/stat` (proc(5)).
public struct ProcessStatus: Sendable, Hashable {
  /// `R`, `S`, …
  var state: Character
  public var parent: Int32
  var group: Int32
  /// In ticks since boot.
  var began: UInt64
  /// In pages, including those that it shares with others.
  public var resident: Int

  /// - Returns: `nil` for a process that does not exist.
  public init?(_ process: Int32) {
    guard let text = ProcFile.text("/proc/\(process)/stat") else { return nil }
    self.init(text)
  }

  init?(_ text: String) {
    // The name is in parentheses and may itself contain any character.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 21, let state = fields[0].first, let parent = Int32(fields[1]), let group = Int32(fields[2]),
      let began = UInt64(fields[19]), let resident = Int(fields[21])
    else { return nil }
    self.state = state
    self.parent = parent
    self.group = group
    self.began = began
    self.resident = resident
  }

  /// Whether the process is alive and not a zombie.
  var isAlive: Bool { state != "Z" && state != "X" }

  /// Returns whether a group has a living process.
  static func lives(group: Int32) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.contains { name in
      guard let process = Int32(name), let status = ProcessStatus(process) else { return false }
      return status.group == group && status.isAlive
    }
  }
}
