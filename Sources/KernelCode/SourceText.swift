// SPDX-License-Identifier: Apache-2.0

/// C source in the form in which it is compared: no comments, no blank lines, each run of white space one space.
struct SourceText {
  struct Line: Hashable {
    var text: String
    /// Whether the line begins in the first column. In the kernel's style only code outside functions and the braces of
    /// a function's body do.
    var isOutermost: Bool
  }

  var lines: [Line]

  init(_ source: [UInt8]) {
    lines = Self.withoutComments(source).split(separator: .lineFeed).compactMap { raw -> Line? in
      let words = raw.split { $0 == .space || $0 == .tab || $0 == .carriageReturn || $0 == .formFeed }
      guard let first = words.first else { return nil }
      return Line(
        text: words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " "),
        isOutermost: first.startIndex == raw.startIndex)
    }
  }

  /// Replaces each comment with a space, as the compiler does, and drops its line feeds. If a comment is never closed,
  /// as in a file that is not C, it extends to the end of the file.
  private static func withoutComments(_ source: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(source.count)
    var index = 0
    func at(_ position: Int) -> UInt8 { position < source.count ? source[position] : 0 }
    while index < source.count {
      let byte = source[index]
      if byte == .slash, at(index + 1) == .star {
        index += 2
        while index < source.count, !(source[index] == .star && at(index + 1) == .slash) { index += 1 }
        index += 2
        out.append(.space)
      } else if byte == .slash, at(index + 1) == .slash {
        while index < source.count, source[index] != .lineFeed { index += 1 }
      } else if byte == .quote || byte == .apostrophe {
        let end = afterText(source, index)
        out += source[index..<end]
        index = end
      } else {
        out.append(byte)
        index += 1
      }
    }
    return out
  }

  /// Returns the index after the string or character literal at `start`. It ends with its line at the latest.
  private static func afterText(_ source: [UInt8], _ start: Int) -> Int {
    var index = start + 1
    while index < source.count, source[index] != .lineFeed {
      if source[index] == source[start] { return index + 1 }
      index += source[index] == .backslash ? 2 : 1
    }
    return min(index, source.count)
  }
}

extension UInt8 {
  fileprivate static let lineFeed: UInt8 = 0x0a
  fileprivate static let tab: UInt8 = 0x09
  fileprivate static let formFeed: UInt8 = 0x0c
  fileprivate static let carriageReturn: UInt8 = 0x0d
  fileprivate static let space: UInt8 = 0x20
  fileprivate static let slash = UInt8(ascii: "/")
  fileprivate static let star = UInt8(ascii: "*")
  fileprivate static let quote = UInt8(ascii: "\"")
  fileprivate static let apostrophe = UInt8(ascii: "'")
  fileprivate static let backslash = UInt8(ascii: "\\")
}
