// SPDX-License-Identifier: Apache-2.0

/// Markdown made of untrusted text, after CommonMark and GitHub's tables.
enum Markdown {
  /// Text in the middle of a line that reads as it stands: nothing in it is markup.
  static func escape(_ text: String) -> String {
    let scalars = Array(visible(text).unicodeScalars)
    var out = String.UnicodeScalarView()
    for (index, scalar) in scalars.enumerated() {
      let before = index == 0 ? nil : scalars[index - 1]
      let after = index + 1 == scalars.count ? nil : scalars[index + 1]
      switch scalar {
      case "\\", "`", "*", "[", "]", "<", ">", "|", "~", "#", "&", "!":
        out.append("\\")
      // Inside a word an underscore is no markup, and `virtio\_gpu` would be hard on a mail's reader.
      case "_" where !(isWord(before) && isWord(after)):
        out.append("\\")
      default: break
      }
      out.append(scalar)
    }
    return String(out)
  }

  /// A code span that holds any text.
  static func code(_ text: String) -> String {
    let text = visible(text)
    if text.isEmpty { return "" }
    let fence = String(repeating: "`", count: longestRun(in: [text]) + 1)
    // A span must not begin or end with a backtick, and one space on both sides is taken off again.
    let pad = text.hasPrefix("`") || text.hasSuffix("`") || text.hasPrefix(" ") && text.hasSuffix(" ") ? " " : ""
    return fence + pad + text + pad + fence
  }

  /// A code span inside a table, where a pipe ends the cell even within code.
  static func cell(_ text: String) -> String { code(text).replacing("|", with: "\\|") }

  /// A fenced block whose fence is longer than any run of backticks in it.
  static func block(_ lines: [String]) -> String {
    let lines = visible(lines)
    let fence = String(repeating: "`", count: max(3, longestRun(in: lines) + 1))
    return ([fence + "text"] + lines + [fence]).joined(separator: "\n")
  }

  /// A table of cells that are Markdown already.
  static func table(_ head: [String], _ rows: [[String]], numbers: Set<Int> = []) -> String {
    let rule = head.indices.map { numbers.contains($0) ? "---:" : "---" }
    return ([head, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
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
