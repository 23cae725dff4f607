// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Finds the place of a file where a hunk fits best.
public enum HunkPlace {
  /// - Parameters:
  ///   - hunk: of a unified diff.
  ///   - start: the line of the old file in the hunk's header.
  ///   - source: the file as it is.
  /// - Returns: `nil` if the hunk expects no line. `found` is empty if no place is like it.
  public static func mismatch(_ hunk: DiffHunk, at start: Int, of file: String, in source: [UInt8]) -> HunkMismatch? {
    let expected = hunk.lines.filter { $0.kind != .added }.prefix(mostLines).map(\.text)
    guard !expected.isEmpty else { return nil }
    var lines = source.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    if lines.last == "" { lines.removeLast() }
    let own = max(0, min(start - 1, lines.count - 1))
    // Blank lines and braces are everywhere, so they say little about the place.
    let weights = expected.map { $0.utf8.filter { $0 != 0x20 && $0 != 0x09 }.count > 1 ? 4 : 1 }
    var best = (score: 0, distance: 0, at: own)
    for at in lines.indices {
      var score = 0
      for (index, text) in expected.enumerated() where at + index < lines.count && lines[at + index] == text {
        score += weights[index]
      }
      let distance = abs(at - own)
      if score > best.score || score == best.score && score > 0 && distance < best.distance {
        best = (score, distance, at)
      }
    }
    // Blank lines and braces alone are no place.
    if best.score * 3 < weights.reduce(0, +) {
      return HunkMismatch(file: file, line: max(1, start), expected: Array(expected), found: [])
    }
    let found = lines.isEmpty ? [] : Array(lines[best.at..<min(lines.count, best.at + expected.count)])
    return HunkMismatch(file: file, line: best.at + 1, expected: expected, found: found)
  }

  /// A hunk that is longer differs within these lines, or further down where nobody would look.
  private static let mostLines = 60
}

extension DiffHunk {
  /// The first line of the old file, from its heading `@@ -147,11 +147,11 @@`.
  public var oldStart: Int? {
    heading.split(separator: " ").dropFirst().first?.dropFirst().split(separator: ",").first.flatMap { Int($0) }
  }
}
