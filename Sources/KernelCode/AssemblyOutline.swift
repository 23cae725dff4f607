// SPDX-License-Identifier: Apache-2.0

/// gcc's output for one C file (`gcc -S`), split into symbols and normalized so that equal code is equal text.
///
/// It reads assembly, not the object. In an object, a call of a neighbour is a distance, which changes with any code
/// between the two, and what a `WARN()` puts into the kernel's tables is far from its function.
public struct AssemblyOutline: Sendable, Hashable {
  /// Maps each function to all of its text. Parts that gcc split off (`f.cold`, `f.part.0`) belong to `f`.
  public private(set) var functions: [String: String] = [:]
  /// The same for symbols that are not functions.
  public private(set) var data: [String: String] = [:]
  /// Text that belongs to no symbol: exports, initcalls, the file's own assembly.
  public private(set) var rest: Set<String> = []

  private enum Part {
    case function(String)
    case data(String)
    /// KASAN's description of a variable and everything that belongs to it. It contains the line of the declaration.
    case description
  }

  /// - Parameter text: compiled with `__LINE__` defined to a constant; otherwise every moved line would be a change.
  public init(_ text: [UInt8]) {
    let lines = text.split(separator: .lineFeed)
    var steady = SteadyAssembly(lines)
    var part: Part?
    var body: [UInt8] = []
    func finish(_ outline: inout AssemblyOutline) {
      let text = String(decoding: body, as: UTF8.self)
      switch part {
      case .function(let name): outline.functions[name, default: ""] += text
      case .data(let name): outline.data[name, default: ""] += text
      case .description, nil: break
      }
      part = nil
      body = []
      steady.forgetLabels()
    }
    for line in lines {
      let words = line.split(maxSplits: 3) { $0 == .tab || $0 == .space || $0 == .comma }
      guard let first = words.first else { continue }
      if first.elementsEqual(".type".utf8), words.count >= 3 {
        finish(&self)
        let name = SteadyAssembly.plain(words[1])
        if [".LASAN", "_sub_I_", "_sub_D_"].contains(where: { words[1].starts(with: $0.utf8) }) {
          part = .description
        } else {
          // `@function`, or `%function` where an at sign begins a comment.
          part = words[2].dropFirst().elementsEqual("function".utf8) ? .function(name) : .data(name)
        }
        continue
      }
      if first.elementsEqual(".size".utf8) {
        // A function's `.size` follows its body; a variable's precedes its data.
        if case .function = part { finish(&self) }
        continue
      }
      if Self.meansNothing(first) { continue }
      if first.starts(with: ".LC".utf8), first.last == UInt8(ascii: ":") {
        // A string behind a variable does not belong to it; gcc puts it wherever it first needs it.
        if case .data = part { finish(&self) }
        if case .description = part { finish(&self) }
        continue
      }
      if case nil = part, Self.isSection(first), words.count > 1, words[1].starts(with: ".rodata".utf8) { continue }
      // The section of a symbol means little. The section of the file's own assembly decides when an initcall runs.
      if part != nil, Self.isSection(first) { continue }
      if part != nil {
        body += steady.line(line)
        body.append(.lineFeed)
      } else if !Self.isString(first) {
        rest.insert(String(decoding: steady.line(line), as: UTF8.self))
      }
    }
    finish(&self)
  }

  /// Returns a symbol's name without the compiler's and the macros' counters.
  public static func plainName(_ line: ArraySlice<UInt8>) -> String {
    let words = line.split(separator: .space)
    return words.dropLast().map { String(decoding: $0, as: UTF8.self) }.joined()
      + (words.last.map(SteadyAssembly.plain) ?? "")
  }

  /// Directives that only say where something is placed or describe it for other tools, and preprocessor notes.
  private static func meansNothing(_ word: ArraySlice<UInt8>) -> Bool {
    word.first == UInt8(ascii: "#") || directives.contains { word.elementsEqual($0.utf8) }
  }

  private static let directives = [
    ".file", ".ident", ".loc", ".p2align", ".align", ".text", ".data", ".bss", ".previous", ".globl",
  ]

  private static func isSection(_ word: ArraySlice<UInt8>) -> Bool { word.elementsEqual(".section".utf8) }

  /// Strings are compared where they are used.
  private static func isString(_ word: ArraySlice<UInt8>) -> Bool {
    [".string", ".ascii", ".zero"].contains { word.elementsEqual($0.utf8) } || word.starts(with: ".L".utf8)
  }
}

/// Lines of assembly without gcc's counters: local labels are numbered within their symbol, strings are replaced by
/// their text, and `__key.12` becomes `__key`.
private struct SteadyAssembly {
  /// Maps a label such as `.LC12` to its text.
  private var strings: [ArraySlice<UInt8>: [UInt8]] = [:]
  private var labels: [ArraySlice<UInt8>: Int] = [:]

  init(_ lines: [ArraySlice<UInt8>]) {
    var label: ArraySlice<UInt8>?
    for line in lines {
      if line.starts(with: ".LC".utf8), line.last == UInt8(ascii: ":") {
        label = line.dropLast()
      } else if let current = label, line.starts(with: "\t.string".utf8) || line.starts(with: "\t.ascii".utf8) {
        strings[current, default: []] += Self.withoutPlaces(line)
        if line.starts(with: "\t.string".utf8) { label = nil }
      } else if line.first != .tab {
        label = nil
      }
    }
  }

  mutating func forgetLabels() { labels.removeAll(keepingCapacity: true) }

  mutating func line(_ line: ArraySlice<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    var index = line.startIndex
    while index < line.endIndex {
      guard line[index].beginsName else {
        out.append(line[index])
        index += 1
        continue
      }
      let end = line[index...].firstIndex { !$0.isInName } ?? line.endIndex
      let word = line[index..<end]
      index = end
      if let text = strings[word] {
        out += text
      } else if word.starts(with: ".L".utf8) {
        let number = labels[word] ?? labels.count
        labels[word] = number
        out += ".L\(number)".utf8
      } else {
        out += Self.plain(word).utf8
      }
    }
    return out
  }

  /// Returns the source's name for `f.cold`, `f.isra.0` or `key.12`. Names that a macro numbered lose their numbers.
  static func plain(_ name: ArraySlice<UInt8>) -> String {
    var word = name
    if word.first != .dot, let dot = word.firstIndex(of: .dot) { word = word[..<dot] }
    let text = String(decoding: word, as: UTF8.self)
    if text.hasPrefix("__UNIQUE_ID") { return text.filter { !$0.isNumber } }
    // `__initcall__kmod_dma_buf__363_0_dma_buf_init4`: a counter, a line, and at the end the level, which stays.
    return text.hasPrefix("__initcall__") ? text.replacing(/_[0-9]+(?=_)/, with: "_") : text
  }

  /// KASAN's description of a function's variables contains their lines: `"1 32 16 8 ptr:1517"`.
  private static func withoutPlaces(_ line: ArraySlice<UInt8>) -> [UInt8] {
    guard let quote = line.firstIndex(of: UInt8(ascii: "\"")), line[quote...].dropFirst().first?.isDigit == true else {
      return Array(line)
    }
    var out: [UInt8] = []
    var drops = false
    for byte in line {
      if byte == UInt8(ascii: ":") {
        drops = true
      } else if !byte.isDigit {
        drops = false
      }
      if !drops || byte == UInt8(ascii: ":") { out.append(byte) }
    }
    return out
  }
}

extension UInt8 {
  fileprivate static let lineFeed: UInt8 = 0x0a
  fileprivate static let tab: UInt8 = 0x09
  fileprivate static let space: UInt8 = 0x20
  fileprivate static let comma = UInt8(ascii: ",")
  fileprivate static let dot = UInt8(ascii: ".")

  fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
  fileprivate var isLetter: Bool { (0x61...0x7a).contains(self | 0x20) }
  fileprivate var beginsName: Bool { isLetter || self == UInt8(ascii: "_") || self == .dot }
  fileprivate var isInName: Bool { beginsName || isDigit || self == UInt8(ascii: "$") }
}
