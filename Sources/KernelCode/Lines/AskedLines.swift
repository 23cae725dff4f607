// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// One place that a diff changes: the removed lines, and the lines that replace them.
struct ChangedPlace: Sendable, Hashable {
  /// The numbers of the added lines.
  var added: [Int] = []
  /// The text of the removed lines.
  var removed: [String] = []
  /// The number of the line that follows the removed and added ones.
  var end: Int

  /// Returns the places of a file, in order.
  static func all(of file: DiffFile) -> [ChangedPlace] {
    var places: [ChangedPlace] = []
    for hunk in file.hunks {
      var open: ChangedPlace?
      for line in hunk.lines {
        switch line.kind {
        case .context:
          if let open { places.append(open) }
          open = nil
        case .added:
          open = open ?? ChangedPlace(end: line.number)
          open?.added.append(line.number)
          open?.end = line.number + 1
        case .removed:
          open = open ?? ChangedPlace(end: line.number)
          open?.removed.append(line.text)
        }
      }
      if let open { places.append(open) }
    }
    return places
  }

  /// Whether code was removed that could have run. A comment that is removed alone needs no check.
  var losesCode: Bool {
    removed.contains { line in
      let text = line.drop { $0 == " " || $0 == "\t" }
      // `*handle = ret;` is code: a comment's star has a space after it or ends the line.
      return !text.isEmpty && text != "*" && !["/*", "* ", "*/", "//"].contains(where: text.hasPrefix)
    }
  }

  /// The first preprocessor condition among the removed lines: `#ifdef CONFIG_DMA_API_DEBUG`.
  var lostCondition: String? {
    removed.lazy.map { $0.drop { $0 == " " || $0 == "\t" } }.first { $0.hasPrefix("#") }.flatMap { line in
      let words = line.dropFirst().drop { $0 == " " || $0 == "\t" }
      return ["if", "el", "endif"].contains(where: words.hasPrefix) ? "#" + words : nil
    }
  }
}

extension LineSource {
  /// Returns the lines that stand for removed ones, the most telling first: those that follow now, up to the end of the
  /// block, then those before.
  func followers(of end: Int) -> [Int] {
    var found: [Int] = []
    var next = end
    while next <= count, !code[next].hasPrefix("}") {
      if hasWords(next), !isBare(next) { found.append(next) }
      next += 1
    }
    next = end - 1
    while next > 0, code[next] != "{", code[next] != "}" {
      if hasWords(next), !isBare(next) { found.append(next) }
      next -= 1
    }
    return found
  }
}
