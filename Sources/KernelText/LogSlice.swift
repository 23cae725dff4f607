// SPDX-License-Identifier: Apache-2.0

/// The first and last lines of a part of a kernel log.
public struct LogSlice: Sendable, Hashable {
  /// The number of lines kept at each end.
  static let longest = 60

  public private(set) var first: [String] = []
  private var last: [String] = []
  private var next = 0
  /// The number of dropped lines between the two.
  public internal(set) var dropped = 0

  /// - Returns: whether the number of kept lines grew.
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

  /// The kept lines, with a note where lines are missing.
  public var lines: [String] {
    let end = last[next...] + last[..<next]
    return first + (dropped > 0 ? ["… \(dropped) lines are not shown …"] : []) + end
  }
}
