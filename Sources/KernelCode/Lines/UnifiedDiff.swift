public import BenchModel

/// A unified diff as git writes it, taken apart.
public enum UnifiedDiff {
  /// - Parameters:
  ///   - text: of `git diff`, with prefixes of one part (`a/`, `b/`).
  ///   - limit: how many lines of hunks are kept.
  /// - Returns: its files, and how many lines are not kept.
  public static func parse(_ text: some StringProtocol, limit: Int = .max) -> (files: [DiffFile], omitted: Int) {
    var files: [DiffFile] = []
    var omitted = 0
    var kept = 0
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
        if kept < limit, let file = files.indices.last, let hunk = files[file].hunks.indices.last {
          files[file].hunks[hunk].lines.append(DiffLine(kind: kind, number: number, text: String(line.dropFirst())))
          kept += 1
        } else {
          omitted += 1
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
    return (files, omitted)
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
