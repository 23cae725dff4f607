// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// A unified diff as git writes it, taken apart.
public enum UnifiedDiff {
  /// - Parameter text: of `git diff`, with prefixes of one part (`a/`, `b/`).
  public static func parse(_ text: some StringProtocol) -> [DiffFile] {
    var files: [DiffFile] = []
    /// The lines that the hunk still has, on both sides.
    var left = (old: 0, new: 0)
    var number = 0
    var old: String?
    // Cut at line feeds alone: a line may have any other character, and Swift takes CR LF for one.
    for slice in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let line = String(decoding: slice, as: UTF8.self)
      if left.old > 0 || left.new > 0 {
        // `\ No newline at end of file`
        if line.hasPrefix("\\") { continue }
        // Some mailers take the blank of an empty line away.
        let kind = line.first.flatMap { DiffLine.Kind(rawValue: String($0)) } ?? .context
        if kind != .added { left.old -= 1 }
        if kind != .removed { left.new -= 1 }
        if let file = files.indices.last, let hunk = files[file].hunks.indices.last {
          files[file].hunks[hunk].lines.append(DiffLine(kind: kind, number: number, text: String(line.dropFirst())))
        }
        if kind != .removed { number += 1 }
      } else if line.hasPrefix("--- ") {
        old = path(line.dropFirst(4))
      } else if line.hasPrefix("+++ ") {
        if let path = path(line.dropFirst(4)) ?? old { files.append(DiffFile(path: path, hunks: [])) }
      } else if line.hasPrefix("@@ "), let range = ranges(line), !files.isEmpty {
        left = (range.oldCount, range.newCount)
        number = range.newStart + (range.newCount == 0 ? 1 : 0)
        files[files.count - 1].hunks.append(DiffHunk(heading: line, lines: []))
      }
    }
    return files
  }

  /// The first lines of a diff.
  /// - Returns: its files as far as they are kept, and how many lines are not.
  public static func shortened(_ files: [DiffFile], to limit: Int) -> (files: [DiffFile], omitted: Int) {
    var left = limit
    var kept: [DiffFile] = []
    for file in files where left > 0 {
      var short = DiffFile(path: file.path, hunks: [])
      for hunk in file.hunks where left > 0 {
        short.hunks.append(DiffHunk(heading: hunk.heading, lines: Array(hunk.lines.prefix(left))))
        left -= hunk.lines.count
      }
      kept.append(short)
    }
    let all = files.flatMap(\.hunks).reduce(0) { $0 + $1.lines.count }
    return (kept, max(0, all - limit))
  }

  /// `b/mm/util.c`, which git quotes where it has unusual characters; `nil` for `/dev/null`.
  private static func path(_ word: Substring) -> String? {
    let plain = word.hasPrefix("\"") ? word.dropFirst().prefix { $0 != "\"" } : word.prefix { $0 != "\t" }
    if plain == "/dev/null" { return nil }
    return plain.firstIndex(of: "/").map { String(plain[plain.index(after: $0)...]) } ?? String(plain)
  }

  /// The numbers of `@@ -1,2 +3,4 @@`; a count that is not there is 1.
  private static func ranges(_ line: String) -> (oldCount: Int, newStart: Int, newCount: Int)? {
    let words = line.split(separator: " ")
    guard words.count >= 3, words[1].hasPrefix("-"), words[2].hasPrefix("+") else { return nil }
    func range(_ word: Substring) -> (Int, Int)? {
      let parts = word.dropFirst().split(separator: ",")
      guard let start = parts.first.flatMap({ Int($0) }) else { return nil }
      guard parts.count > 1 else { return (start, 1) }
      return Int(parts[1]).map { (start, $0) }
    }
    guard let old = range(words[1]), let new = range(words[2]) else { return nil }
    return (old.1, new.0, new.1)
  }
}
