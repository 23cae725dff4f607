// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// One place that a diff changes: lines that went, and lines that stand there now.
struct ChangedPlace: Sendable, Hashable {
  /// The numbers of the lines that were added.
  var added: [Int] = []
  /// The text of the lines that were removed.
  var removed: [String] = []
  /// The number of the line before which the removed ones stood, behind those that were added.
  var end: Int

  /// The places of a file, in order.
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

  /// Whether something went that could have run. A comment that goes along with nothing else asks for nothing.
  var losesCode: Bool {
    removed.contains { line in
      let text = line.drop { $0 == " " || $0 == "\t" }
      // `*handle = ret;` is code: a comment's star stands alone.
      return !text.isEmpty && text != "*" && !["/*", "* ", "*/", "//"].contains(where: text.hasPrefix)
    }
  }

  /// The first condition of the preprocessor's among what went: `#ifdef CONFIG_DMA_API_DEBUG`.
  var lostCondition: String? {
    removed.lazy.map { $0.drop { $0 == " " || $0 == "\t" } }.first { $0.hasPrefix("#") }.flatMap { line in
      let words = line.dropFirst().drop { $0 == " " || $0 == "\t" }
      return ["if", "el", "endif"].contains(where: words.hasPrefix) ? "#" + words : nil
    }
  }
}

extension LineSource {
  /// The lines that stand for removed ones, the most telling first: those that now follow; before the end of a block,
  /// those before.
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
