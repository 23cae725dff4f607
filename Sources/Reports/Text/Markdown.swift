// SPDX-License-Identifier: Apache-2.0

/// Makes Markdown from untrusted text, following CommonMark and GitHub's tables.
enum Markdown {
  /// Escapes text in the middle of a line so that it contains no markup.
  static func escape(_ text: String) -> String {
    let scalars = Array(visible(text).unicodeScalars)
    var out = String.UnicodeScalarView()
    for (index, scalar) in scalars.enumerated() {
      let before = index == 0 ? nil : scalars[index - 1]
      let after = index + 1 == scalars.count ? nil : scalars[index + 1]
      switch scalar {
      case "\\", "`", "*", "[", "]", "<", ">", "|", "~", "#", "&", "!":
        out.append("\\")
      // An underscore inside a word is not markup, and `virtio\_gpu` would be hard to read in a mail.
      case "_" where !(isWord(before) && isWord(after)):
        out.append("\\")
      default: break
      }
      out.append(scalar)
    }
    return String(out)
  }

  /// Cuts text to so many characters, for a place without room for more.
  static func cut(_ text: String, to most: Int) -> String {
    let scalars = visible(text).unicodeScalars
    if scalars.count <= most { return String(scalars) }
    return String(String.UnicodeScalarView(scalars.prefix(max(0, most - 1)))) + "…"
  }

  /// Returns a code span for any text.
  static func code(_ text: String) -> String {
    let text = visible(text)
    if text.isEmpty { return "" }
    let fence = String(repeating: "`", count: longestRun(in: [text]) + 1)
    // A span must not begin or end with a backtick. Renderers strip one space from both sides.
    let pad = text.hasPrefix("`") || text.hasSuffix("`") || text.hasPrefix(" ") && text.hasSuffix(" ") ? " " : ""
    return fence + pad + text + pad + fence
  }

  /// Returns a code span for a table, where a pipe ends the cell even within code. Nothing can escape a pipe after a
  /// backslash there, so such a text is no code.
  static func cell(_ text: String) -> String {
    text.contains("\\|") ? escape(text) : code(text).replacing("|", with: "\\|")
  }

  /// Returns a fenced block whose fence is longer than any run of backticks in it.
  static func block(_ lines: [String]) -> String {
    let lines = visible(lines)
    let fence = String(repeating: "`", count: max(3, longestRun(in: lines) + 1))
    return ([fence + "text"] + lines + [fence]).joined(separator: "\n")
  }

  /// Returns a table of cells that are already Markdown.
  static func table(_ head: [String], _ rows: [[String]], numbers: Set<Int> = []) -> String {
    let rule = head.indices.map { numbers.contains($0) ? "---:" : "---" }
    return ([head, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
  }

  /// Returns a table with as many of the rows as fit into some bytes, and how many those are.
  static func table(
    _ head: [String], _ rows: [[String]], numbers: Set<Int> = [], room: Int
  ) -> (text: String, shown: Int) {
    var used = table(head, [], numbers: numbers).utf8.count
    var shown = 0
    for row in rows {
      // A line break, and the pipes.
      used += 1 + row.reduce(2) { $0 + $1.utf8.count + 3 }
      if used > room { break }
      shown += 1
    }
    return (table(head, Array(rows.prefix(shown)), numbers: numbers), shown)
  }

  private static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  private static func longestRun(in lines: [String]) -> Int {
    var longest = 0
    for line in lines {
      var run = 0
      for scalar in line.unicodeScalars {
        run = scalar == "`" ? run + 1 : 0
        longest = max(longest, run)
      }
    }
    return longest
  }
}
