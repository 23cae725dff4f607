// SPDX-License-Identifier: Apache-2.0

/// Fits text into the lines of a plain mail, so that no program that reads the mail acts on it.
package enum MailText {
  /// The most columns of a line, and the most lines of a mail.
  package static let width = 72
  static let height = 40

  /// Breaks text into lines. Control characters are made visible, and white space is one space.
  /// - Parameters:
  ///   - first: what stands before the first line.
  ///   - rest: what stands before the others: at least two spaces.
  ///   - most: how many lines there may be. The last one ends with `...` if something is missing.
  package static func wrap(_ text: String, first: String = "  - ", rest: String = "    ", most: Int) -> [String] {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in words(text).map({ cut($0, to: width - max(first.count, rest.count)) }) {
      if !isEmpty, columns(line) + 1 + columns(word) > width {
        lines.append(line)
        (line, isEmpty) = (rest, true)
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    if !isEmpty { lines.append(line) }
    if lines.count > most {
      lines = Array(lines.prefix(most))
      lines[most - 1] = cut(lines[most - 1] + " ...", to: width, mark: " ...")
    }
    return lines.map(guarded)
  }

  /// Cuts text to so many columns.
  /// - Parameter mark: what it ends with if something is missing.
  static func cut(_ text: String, to limit: Int, mark: String = "...") -> String {
    if columns(text) <= limit { return text }
    var out = String.UnicodeScalarView()
    var used = mark.count
    for scalar in text.unicodeScalars {
      used += columns(String(scalar))
      if used > limit { break }
      out.append(scalar)
    }
    return String(out) + mark
  }

  /// Returns the columns of a text, where each mark on a letter counts as well: a line has a limit in bytes, too.
  static func columns(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + Columns.width(of: String($1)) }
  }

  /// The words of a text, whatever white space is between them.
  static func words(_ text: String) -> [String] {
    visible(text).split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// Keeps a line from being taken for a trailer: b4 takes `  Tested-by: Ada <ada@example.org>` for one wherever it
  /// stands, and a series' words must not give it any.
  private static func guarded(_ line: String) -> String {
    let indent = line.prefix { $0 == " " }
    let word = line.dropFirst(indent.count).prefix { $0 != " " }
    guard word.hasSuffix(":") else { return line }
    return indent.dropLast(2) + "| " + line.dropFirst(indent.count)
  }
}
