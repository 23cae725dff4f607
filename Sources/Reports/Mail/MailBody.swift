// SPDX-License-Identifier: Apache-2.0

/// The body of a mail: a first line, and sections. What does not fit is cut where the most can be spared.
struct MailBody {
  struct Section {
    var title: String
    var lines: [String]
    /// How many of the lines must stay.
    var least: Int

    /// - Parameters:
    ///   - items: untrusted text.
    ///   - each: the most lines of one item.
    init(_ title: String, _ items: [String], each: Int = 2, least: Int = 2) {
      self.init(title, lines: items.flatMap { MailText.wrap($0, most: each) }, least: least)
    }

    init(_ title: String, lines: [String], least: Int) {
      self.title = title
      self.lines = lines
      self.least = least
    }
  }

  var first: String
  var sections: [Section]
  /// Our own words.
  var last: String?

  /// Returns the lines, at most `room`, if the sections' least lines allow it.
  func lines(room: Int) -> [String] {
    var sections = sections.filter { !$0.lines.isEmpty }
    let around = 1 + 2 * sections.count + (last == nil ? 0 : 2)
    var cut: Set<Int> = []
    while around + sections.reduce(0, { $0 + $1.lines.count }) > room {
      let spare = sections.indices.max { a, b in
        (sections[a].lines.count - sections[a].least, b) < (sections[b].lines.count - sections[b].least, a)
      }
      guard let spare, sections[spare].lines.count > max(1, sections[spare].least) else { break }
      sections[spare].lines.removeLast()
      cut.insert(spare)
    }
    for index in cut {
      // No half of an item is left: what continues one is indented by four.
      var next = sections[index].lines.removeLast()
      while next.hasPrefix("    "), let last = sections[index].lines.popLast() { next = last }
      sections[index].lines.append("  (cut; the report has all)")
    }
    return [first] + sections.flatMap { ["", $0.title] + $0.lines } + (last.map { ["", $0] } ?? [])
  }
}
