// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// Parses unified diffs in git's format.
public enum UnifiedDiff {
  /// - Parameter text: the output of `git diff`, with one-component prefixes (`a/`, `b/`).
  public static func parse(_ text: some StringProtocol) -> [DiffFile] {
    var files: [DiffFile] = []
    /// The number of lines left in the hunk, on both sides.
    var left = (old: 0, new: 0)
    var number = 0
    var old: String?
    // Split only at line feeds: a line may contain any other character, and Swift treats CR LF as one character.
    for slice in text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let line = String(decoding: slice, as: UTF8.self)
      if left.old > 0 || left.new > 0 {
        // `\ No newline at end of file`
        if line.hasPrefix("\\") { continue }
        // Some mailers strip the blank from an empty line.
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

  /// Returns the first lines of a diff.
  /// - Returns: the files, cut at the limit, and the number of lines that were dropped.
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

  /// Parses `b/mm/util.c`, which git quotes if it has unusual characters. Returns `nil` for `/dev/null`.
  private static func path(_ word: Substring) -> String? {
    let plain = word.hasPrefix("\"") ? word.dropFirst().prefix { $0 != "\"" } : word.prefix { $0 != "\t" }
    if plain == "/dev/null" { return nil }
    return plain.firstIndex(of: "/").map { String(plain[plain.index(after: $0)...]) } ?? String(plain)
  }

  /// Parses the numbers of `@@ -1,2 +3,4 @@`. A missing count is 1.
  static func ranges(_ line: String) -> (oldCount: Int, newStart: Int, newCount: Int)? {
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
