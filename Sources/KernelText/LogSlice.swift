// SPDX-License-Identifier: Apache-2.0

/// A part of a kernel log: its first lines and its last.
public struct LogSlice: Sendable, Hashable {
  /// How many lines of each end are kept.
  static let longest = 60

  public private(set) var first: [String] = []
  private var last: [String] = []
  private var next = 0
  /// How many lines between the two were not kept.
  public internal(set) var dropped = 0

  /// - Returns: whether a line more is kept than before.
  mutating func add(_ line: String) -> Bool {
    if first.count < Self.longest {
      first.append(line)
      return true
    }
    if last.count < Self.longest {
      last.append(line)
      return true
    }
    last[next] = line
    next = (next + 1) % Self.longest
    dropped += 1
    return false
  }

  /// All that was kept, with a word where something is missing.
  public var lines: [String] {
    let end = last[next...] + last[..<next]
    return first + (dropped > 0 ? ["… \(dropped) lines are not shown …"] : []) + end
  }
}
