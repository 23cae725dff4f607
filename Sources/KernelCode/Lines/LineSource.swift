// SPDX-License-Identifier: Apache-2.0

/// The lines of a C file: which have code, which belong to the same statement, and which are under which preprocessor
/// condition.
struct LineSource: Sendable, Hashable {
  /// The lines by number, from 1, without comments and with empty strings.
  private(set) var code: [Substring] = [""]
  /// Maps each line to the first line of its statement.
  private(set) var begins: [Int] = [0]
  /// The lines of directives, including continuation lines.
  private(set) var directives: Set<Int> = []
  /// The lines between the braces of a function's body. In the kernel's style both braces are in the first column
  /// (Documentation/process/coding-style.rst, section 3), or the first ends the line of the function's head.
  private(set) var bodies: Set<Int> = []
  /// The parts of the source that the preprocessor keeps or drops as a whole: everything under no condition, and the
  /// code between two directives of one condition. The payload is the directive as written in the source.
  private var sections: [String?] = [nil]
  /// Maps each line to the index of the section that begins or continues after it.
  private var sectionBehind: [Int] = [0]
  /// The number of blanks and tabs that each line begins with.
  private(set) var indents: [Int] = [0]

  init(_ source: [UInt8]) {
    let lines = Self.withoutComments(source).split(separator: 0x0a, omittingEmptySubsequences: false)
      .map { Substring(decoding: $0, as: UTF8.self) }
    findBodies(lines)
    indents += lines.map { $0.prefix { $0 == " " || $0 == "\t" }.utf8.count }
    code += lines.map { line in
      var line = line
      while let last = line.utf8.last, last == 0x20 || last == 0x09 || last == 0x0d { line = line.dropLast() }
      return line.drop { $0 == " " || $0 == "\t" }
    }
    findDirectives()
    findStatements()
  }

  var count: Int { code.count - 1 }

  func hasWords(_ number: Int) -> Bool {
    code.indices.contains(number) && !code[number].isEmpty && !directives.contains(number)
  }

  /// Whether a line has nothing to execute by itself: braces, `else`, an unconditional jump.
  func isBare(_ number: Int) -> Bool {
    let text = code[number].filter { !"{}(); \t".contains($0) }
    // A label. Those of a switch decide something.
    if text.utf8.last == UInt8(ascii: ":"), !code[number].hasPrefix("case"), !code[number].hasPrefix("default") {
      return true
    }
    return text.isEmpty || ["else", "do", "break", "continue"].contains(text)
  }

  /// Whether the statement that begins on a line does something: a call, an assignment, an exit.
  func acts(_ number: Int) -> Bool {
    let text = code[number]
    if text.hasPrefix("return") { return text != "return;" }
    // Checked at compile time, without code.
    if ["BUILD_BUG", "static_assert", "_Static_assert"].contains(where: { text.hasPrefix($0) }) { return false }
    return text.contains("(") && !text.hasPrefix("struct ") && !text.hasPrefix("static ") || text.contains("=")
  }

  private mutating func findBodies(_ lines: [Substring]) {
    var isInside = false
    for (index, line) in lines.enumerated() {
      if isInside {
        if line.hasPrefix("}") { isInside = false } else { bodies.insert(index + 1) }
      } else if line.hasPrefix("{") {
        isInside = true
      } else if let first = line.first, first != " ", first != "\t", first != "#", line.contains(")"),
        !line.contains("="), let brace = line.firstIndex(of: "{")
      {
        if line.contains("}") {
          bodies.insert(index + 1)
        } else {
          isInside = line[brace...].dropFirst().allSatisfy(\.isWhitespace)
        }
      }
    }
  }

  private mutating func findDirectives() {
    sectionBehind = Array(repeating: 0, count: code.count)
    var stack: [Int] = []
    var continues = false
    func open(_ condition: String) {
      stack.append(sections.count)
      sections.append(condition)
    }
    for number in code.indices.dropFirst() {
      let text = code[number]
      if continues || text.hasPrefix("#") {
        directives.insert(number)
        if !continues {
          let words = text.dropFirst().drop { $0 == " " || $0 == "\t" }
          if words.hasPrefix("if") {
            open("#" + words)
          } else if words.hasPrefix("elif") || words.hasPrefix("else"), let before = stack.popLast() {
            let start = (sections[before] ?? "").components(before: ", else")
            open(words.hasPrefix("elif") ? "#" + words : "\(start), else")
          } else if words.hasPrefix("endif") {
            _ = stack.popLast()
          }
        }
        continues = text.hasSuffix("\\")
      }
      sectionBehind[number] = stack.last ?? 0
    }
  }

  /// Whether a line begins or ends a section.
  func turnsSection(_ number: Int) -> Bool { sectionBehind[number] != sectionBehind[number - 1] }

  /// The section that code just before a line would be in.
  func section(before number: Int) -> Int { sectionBehind[max(0, min(number - 1, count))] }

  /// The directive that a section is under.
  func condition(of section: Int) -> String { sections[section] ?? "the preprocessor leaves it out" }

  /// Returns whether the preprocessor kept a section.
  /// - Parameter compiled: the lines that it kept; `nil` if unknown.
  /// - Returns: `nil` if the section is empty, so that it cannot be known.
  func isCompiled(_ section: Int, _ compiled: Set<Int>?) -> Bool? {
    if section == 0 { return true }
    let lines = code.indices.filter { sectionBehind[$0] == section && hasWords($0) }
    guard let compiled, !lines.isEmpty else { return nil }
    return lines.contains(where: compiled.contains)
  }

  private mutating func findStatements() {
    begins = Array(0..<code.count)
    var depth = 0
    /// The first line of the statement that has not ended yet; `nil` between two statements.
    var start: Int?
    var word = ""
    for number in code.indices.dropFirst() where !directives.contains(number) {
      if let start { begins[number] = start }
      for byte in code[number].utf8 {
        let character = Character(UnicodeScalar(byte))
        if character == " " || character == "\t" { continue }
        if start == nil {
          start = number
          begins[number] = min(begins[number], number)
          word = ""
        }
        switch character {
        case "(", "[": depth += 1
        case ")", "]":
          depth = max(0, depth - 1)
          if depth == 0, character == ")", ["if", "while", "for", "switch"].contains(where: word.hasPrefix) {
            start = nil
          }
        case ";": if depth == 0 { start = nil }
        case ":": if depth == 0, word.hasPrefix("case") || word.hasPrefix("default") { start = nil }
        case "{", "}":
          start = nil
          depth = 0
        default: break
        }
        if word.utf8.count < 8 { word.append(character) }
        if word == "else" || word == "do{" {
          start = nil
        }
      }
    }
  }

  /// Removes comments but keeps their line feeds, so that each line keeps its number. A string or character literal
  /// becomes two quotes.
  private static func withoutComments(_ source: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(source.count)
    var index = 0
    func at(_ position: Int) -> UInt8 { position < source.count ? source[position] : 0 }
    let (slash, star, feed) = (UInt8(ascii: "/"), UInt8(ascii: "*"), UInt8(0x0a))
    while index < source.count {
      let byte = source[index]
      if byte == slash, at(index + 1) == star {
        index += 2
        while index < source.count, !(source[index] == star && at(index + 1) == slash) {
          if source[index] == feed { out.append(feed) }
          index += 1
        }
        index += 2
      } else if byte == slash, at(index + 1) == slash {
        while index < source.count, source[index] != feed { index += 1 }
      } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        let quote = byte
        index += 1
        while index < source.count, source[index] != quote, source[index] != feed {
          index += source[index] == UInt8(ascii: "\\") && at(index + 1) != feed ? 2 : 1
        }
        if index < source.count, source[index] == quote { index += 1 }
        out += [quote, quote]
      } else {
        out.append(byte)
        index += 1
      }
    }
    return out
  }
}

extension String {
  fileprivate func components(before mark: String) -> Substring {
    hasSuffix(mark) ? dropLast(mark.count) : self[...]
  }
}

/// The lines of a file that the preprocessor kept, from `gcc -E -fdirectives-only`, which resolves the conditions and
/// leaves each line where it was.
enum PreprocessedLines {
  /// - Parameter files: the files of interest, relative to the tree's root.
  /// - Returns: no entry for a file that was not read.
  static func parse(_ text: [UInt8], about files: Set<String>, tree: String) -> [String: Set<Int>] {
    var found: [String: Set<Int>] = [:]
    var file = ""
    var isAsked = false
    var lines: Set<Int> = []
    var number = 1
    for line in text.split(separator: 0x0a, omittingEmptySubsequences: false) {
      // `# 37 "drivers/gpu/drm/drm_prime.c" 2`
      if line.count > 3, line.first == UInt8(ascii: "#"), line[line.startIndex + 1] == 0x20,
        let marker = Self.marker(String(decoding: line, as: UTF8.self), tree: tree)
      {
        if files.contains(file) { found[file, default: []].formUnion(lines) }
        lines = []
        (file, number) = marker
        isAsked = files.contains(file)
        continue
      }
      if !isAsked { continue }
      if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { lines.insert(number) }
      number += 1
    }
    if isAsked { found[file, default: []].formUnion(lines) }
    return found
  }

  private static func marker(_ line: String, tree: String) -> (String, Int)? {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count >= 3, let number = Int(parts[0].dropFirst(2).prefix { $0.isNumber }) else { return nil }
    return (SourceLine(compiled: parts[1], number, tree: tree).file, number)
  }
}
