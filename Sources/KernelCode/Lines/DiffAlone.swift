// SPDX-License-Identifier: Apache-2.0

extension UnifiedDiff {
  /// Returns a diff without the words around it: a diffstat before it, a signature or a list's footer after it.
  ///
  /// The same patch has different words as a file of `git format-patch`, as a mail and as a bare diff. `git apply`
  /// passes over these words. If they cannot be told from the diff with certainty, they stay.
  public static func alone(_ diff: [UInt8]) -> ArraySlice<UInt8> {
    let lines = diff.split(separator: 0x0a, omittingEmptySubsequences: false)
    func begins(_ index: Int, _ prefix: StaticString) -> Bool {
      lines.indices.contains(index)
        && lines[index].starts(with: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
    }
    let first = lines.indices.first { begins($0, "diff --git ") || (begins($0, "--- ") && begins($0 + 1, "+++ ")) }
    // git stops at a hunk that stands before every header.
    guard let first, !lines[..<first].contains(where: { $0.starts(with: "@@ -".utf8) }) else { return diff[...] }
    let start = lines[first].startIndex
    // Binary patches have no hunks that could be counted.
    if lines.indices.contains(where: { begins($0, "GIT binary patch") }) { return diff[start...] }
    return diff[start..<max(start, end(of: lines, from: first))]
  }

  /// Returns where the last line of the diff ends: behind the last hunk, or the last header of a file without hunks.
  private static func end(of lines: [ArraySlice<UInt8>], from first: Int) -> Int {
    var left = (old: 0, new: 0)
    var inHeader = false
    var end = lines[first].startIndex
    for line in lines[first...] {
      let text = String(decoding: line, as: UTF8.self)
      if left.old > 0 || left.new > 0 {
        if text.hasPrefix("\\") {
          end = line.endIndex
          continue
        }
        if !text.hasPrefix("+") { left.old -= 1 }
        if !text.hasPrefix("-") { left.new -= 1 }
      } else if let range = text.hasPrefix("@@ ") ? ranges(text) : nil {
        left = (range.oldCount, range.newCount)
        inHeader = false
      } else if text.hasPrefix("diff --git ") {
        inHeader = true
      } else if !text.hasPrefix("--- "), !text.hasPrefix("+++ "), !text.hasPrefix("\\"),
        !(inHeader && headers.contains(where: text.hasPrefix))
      {
        inHeader = false
        continue
      }
      end = line.endIndex
    }
    return end
  }

  /// The lines that git writes between `diff --git` and `---`. Source: git-diff(1), “Generating patch text with -p”.
  private static let headers = [
    "old mode ", "new mode ", "deleted file mode ", "new file mode ", "copy from ", "copy to ", "rename from ",
    "rename to ", "similarity index ", "dissimilarity index ", "index ",
  ]
}
