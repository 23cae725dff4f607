// SPDX-License-Identifier: Apache-2.0

/// Finds the lines of a file that a series adds or changes.
public enum SeriesLines {
  /// Returns the lines, from 1, of `after` that `before` does not have, by a longest common subsequence of lines.
  ///
  /// The common beginning and end are skipped first. If the part between is too large to compare line by line, all of
  /// it counts as changed.
  public static func added(before: [UInt8], after: [UInt8]) -> Set<Int> {
    let old = before.split(separator: 0x0a, omittingEmptySubsequences: false)
    let new = after.split(separator: 0x0a, omittingEmptySubsequences: false)
    var first = 0
    while first < min(old.count, new.count), old[first] == new[first] { first += 1 }
    var last = 0
    while last < min(old.count, new.count) - first, old[old.count - 1 - last] == new[new.count - 1 - last] { last += 1 }
    let (a, b) = (old[first..<(old.count - last)], new[first..<(new.count - last)])
    guard a.count * b.count <= mostPairs else { return Set(b.indices.map { $0 + 1 }) }
    let difference = Array(b).difference(from: Array(a))
    var lines: Set<Int> = []
    for case .insert(let offset, _, _) in difference { lines.insert(first + offset + 1) }
    return lines
  }

  private static let mostPairs = 25_000_000

  /// Returns the functions that contain the given lines. This relies on the kernel's style: a body begins and ends with
  /// a brace in the first column, and the name is before the parenthesis of the last line before it that is not
  /// indented.
  public static func functions(at lines: Set<Int>, of source: CSource) -> Set<String> {
    var found: Set<String> = []
    var index = 0
    while index < source.tokens.count {
      let token = source.tokens[index]
      guard source.text(token) == "{", source.column(of: token.start) == 1, let close = source.closing(index) else {
        index += 1
        continue
      }
      let body = source.line(of: token.start)...source.line(of: source.tokens[close].start)
      if body.contains(where: lines.contains), let name = name(before: index, source) { found.insert(name) }
      index = close + 1
    }
    return found
  }

  private static func name(before brace: Int, _ source: CSource) -> String? {
    guard brace > 1, source.text(at: brace - 1) == ")" else { return nil }
    var depth = 0
    for index in stride(from: brace - 1, to: 0, by: -1) {
      switch source.text(at: index) {
      case ")": depth += 1
      case "(":
        depth -= 1
        if depth == 0 {
          let name = source.tokens[index - 1]
          return name.kind == .identifier ? source.text(name) : nil
        }
      default: break
      }
    }
    return nil
  }
}
