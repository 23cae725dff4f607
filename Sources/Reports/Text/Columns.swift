// SPDX-License-Identifier: Apache-2.0

/// Fits text into a terminal's columns.
package enum Columns {
  /// Returns the number of columns of a text. East Asian and emoji blocks take two; an error here only shifts a column.
  package static func width(of text: String) -> Int {
    text.reduce(0) { $0 + width(of: $1) }
  }

  /// Cuts a text to `limit` columns, with an ellipsis if something is missing.
  static func cut(_ text: String, to limit: Int) -> String {
    if width(of: text) <= limit { return text }
    var out = ""
    var used = 1
    for character in text {
      used += width(of: character)
      if used > limit { break }
      out.append(character)
    }
    return limit > 0 ? out + "…" : ""
  }

  /// Shortens a text to `limit` columns by leaving out its middle, because similar names often differ only at their
  /// ends: `virtio-gpu-share…address-space`. Separators next to the gap are left out as well.
  package static func middle(_ text: String, to limit: Int) -> String {
    if width(of: text) <= limit { return text }
    if limit < 2 { return limit == 1 ? "…" : "" }
    let isSeparator = { (character: Character) in "-_/. ".contains(character) }
    let back = String(String(prefix(text.reversed(), (limit - 1) / 2).reversed()).drop(while: isSeparator))
    var front = prefix(text, limit - 1 - width(of: back))
    while let last = front.last, isSeparator(last) { front.removeLast() }
    return front + "…" + back
  }

  /// Returns as many leading characters as fit into `limit` columns.
  private static func prefix(_ characters: some Sequence<Character>, _ limit: Int) -> String {
    var used = 0
    return String(
      characters.prefix { character in
        used += width(of: character)
        return used <= limit
      })
  }

  /// Breaks a text into lines of at most `limit` columns, between words. A word that is longer than a line loses its
  /// middle.
  package static func wrap(_ text: String, to limit: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ").map({ middle(String($0), to: limit) }) {
      if let last = lines.last, width(of: last) + 1 + width(of: word) <= limit {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(word)
      }
    }
    return lines
  }

  /// Pads a text with spaces after it, or before it, to `count` columns.
  package static func pad(_ text: String, to count: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, count - width(of: text)))
    return right ? space + text : text + space
  }

  private static func width(of character: Character) -> Int {
    switch character.unicodeScalars.first!.value {
    case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
      0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
      2
    default: 1
    }
  }
}
