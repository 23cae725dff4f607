// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// The paths in a diff's headers.
enum DiffPaths {
  /// Whether a path is outside the kernel's tree, or in git's own directory.
  static func leavesTree(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return path.hasPrefix("/") || parts.contains("..") || parts.contains { $0.lowercased() == ".git" }
  }

  /// Rewrites a diff for `patch -pN`, so that its paths are as in git's diffs: `a/` and `b/` before the file's path.
  static func normalize(_ file: FilePath, strip: Int) throws {
    let url = URL(filePath: file.string)
    try Data(normalized(Array(Data(contentsOf: url)), strip: strip)).write(to: url)
  }

  /// The same for the text of a diff.
  static func normalized(_ diff: [UInt8], strip: Int) -> [UInt8] {
    // Lines that remain of the current hunk, before and after the change.
    var (before, after) = (0, 0)
    var result: [UInt8] = []
    for line in diff.split(separator: 0x0a, omittingEmptySubsequences: false) {
      if !result.isEmpty || line.startIndex > 0 { result.append(0x0a) }
      // In a hunk, `--- x` is a removed line.
      if before > 0 || after > 0 {
        switch line.first {
        case UInt8(ascii: "-"): before -= 1
        case UInt8(ascii: "+"): after -= 1
        case UInt8(ascii: "\\"): break
        default: (before, after) = (before - 1, after - 1)
        }
        result += line
        continue
      }
      let text = String(decoding: line, as: UTF8.self)
      if let hunk = text.prefixMatch(of: /@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/) {
        before = hunk.output.1.flatMap { Int($0) } ?? 1
        after = hunk.output.2.flatMap { Int($0) } ?? 1
      }
      result += header(text, strip: strip).map { Array($0.utf8) } ?? Array(line)
    }
    return result
  }

  /// Returns the header line with normalized paths; `nil` for other lines.
  private static func header(_ line: String, strip: Int) -> String? {
    if line.hasPrefix("diff --git ") {
      let names = line.dropFirst(11)
      // A name with spaces is written twice, unless the file moves.
      let parts = names.split(separator: " ")
      let half = names.count / 2
      let pair =
        parts.count == 2
        ? (parts[0], parts[1])
        : names.prefix(half) == names.suffix(half) ? (names.prefix(half), names.suffix(half)) : nil
      return pair.map { "diff --git \(path($0, "a/", strip)) \(path($1, "b/", strip))" }
    }
    for (prefix, side) in [("--- ", "a/"), ("+++ ", "b/")] where line.hasPrefix(prefix) {
      return prefix + path(line.dropFirst(4), side, strip)
    }
    // These have no `a/` or `b/`.
    for prefix in ["rename from ", "rename to ", "copy from ", "copy to "] where line.hasPrefix(prefix) {
      return prefix + dropping(strip - 1, of: line.dropFirst(prefix.count))
    }
    return nil
  }

  private static func path(_ path: Substring, _ side: String, _ strip: Int) -> String {
    path.hasPrefix("/dev/null") ? String(path) : side + dropping(strip, of: path)
  }

  private static func dropping(_ count: Int, of path: Substring) -> String {
    var rest = path
    for _ in 0..<max(count, 0) {
      guard let slash = rest.firstIndex(of: "/") else { break }
      rest = rest[rest.index(after: slash)...].drop { $0 == "/" }
    }
    return String(rest)
  }
}
