// SPDX-License-Identifier: Apache-2.0

/// One token of a C source, by its position in the file.
public struct CToken: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case identifier
    case number
    /// A string or a character constant.
    case text
    case punctuator
  }

  public var kind: Kind
  /// Offset of the first byte.
  public var start: Int
  /// Offset just after the last byte.
  public var end: Int
}

/// A C source with its tokens. Comments and line splices are not tokens; preprocessor lines are lexed like the rest.
///
/// clang's AST gives the position of each expression, but not of operators or semicolons. Those are found here.
public struct CSource: Sendable {
  /// Relative to the tree's root.
  public let path: String
  public let bytes: [UInt8]
  public let tokens: [CToken]
  /// Offset of the first byte of each line.
  private let lineStarts: [Int]

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    var lexer = Lexer(bytes: bytes)
    tokens = lexer.run()
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == 0x0a }.map { $0 + 1 }
  }

  public func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
  public func text(_ token: CToken) -> String { text(token.start..<token.end) }
  func text(at index: Int) -> String { tokens.indices.contains(index) ? text(tokens[index]) : "" }

  /// Returns the line of an offset, from 1.
  public func line(of offset: Int) -> Int {
    var (low, high) = (0, lineStarts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }

  /// Returns the column of an offset, in bytes from 1.
  public func column(of offset: Int) -> Int { offset - lineStarts[line(of: offset) - 1] + 1 }

  /// Returns the bytes of a range of lines, from 1, including their line ends.
  func range(ofLines lines: ClosedRange<Int>) -> Range<Int> {
    let end = lines.upperBound < lineStarts.count ? lineStarts[lines.upperBound] : bytes.count
    return lineStarts[lines.lowerBound - 1]..<end
  }

  var lineCount: Int { lineStarts.last == bytes.count ? lineStarts.count - 1 : lineStarts.count }

  /// Returns the index of the token that begins at an offset; `nil` if none does.
  func token(at offset: Int) -> Int? {
    let index = firstToken(from: offset)
    return index < tokens.count && tokens[index].start == offset ? index : nil
  }

  /// Returns the index of the first token that begins at or after an offset.
  func firstToken(from offset: Int) -> Int {
    var (low, high) = (0, tokens.count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle].start < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Returns the index of the token that closes the bracket at `index`; `nil` if none does.
  func closing(_ index: Int) -> Int? {
    var depth = 0
    for next in index..<tokens.count where tokens[next].kind == .punctuator {
      switch text(tokens[next]) {
      case "(", "[", "{": depth += 1
      case ")", "]", "}":
        depth -= 1
        if depth == 0 { return next }
      default: break
      }
    }
    return nil
  }
}

private struct Lexer {
  let bytes: [UInt8]
  var index = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private func at(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  mutating func run() -> [CToken] {
    var tokens: [CToken] = []
    while index < bytes.count {
      let start = index
      switch bytes[index] {
      case UInt8(ascii: " "), 0x09, 0x0a, 0x0b, 0x0c, 0x0d, UInt8(ascii: "\\"): index += 1
      case UInt8(ascii: "/") where at(index + 1) == UInt8(ascii: "/"): skipLineComment()
      case UInt8(ascii: "/") where at(index + 1) == UInt8(ascii: "*"): skipComment()
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        skipText(bytes[index])
        tokens.append(CToken(kind: .text, start: start, end: index))
      case let byte where Self.isWord(byte):
        let isNumber = Self.isDigit(byte)
        while Self.isWord(at(index)) || (isNumber && at(index) == UInt8(ascii: ".")) { index += 1 }
        tokens.append(CToken(kind: isNumber ? .number : .identifier, start: start, end: index))
      default:
        index += punctuatorLength()
        tokens.append(CToken(kind: .punctuator, start: start, end: index))
      }
    }
    return tokens
  }

  private mutating func skipLineComment() {
    while index < bytes.count, bytes[index] != 0x0a {
      // A backslash at the end of the line continues the comment.
      if bytes[index] == UInt8(ascii: "\\"), at(index + 1) == 0x0a { index += 1 }
      index += 1
    }
  }

  private mutating func skipComment() {
    index += 2
    while index < bytes.count, !(bytes[index] == UInt8(ascii: "*") && at(index + 1) == UInt8(ascii: "/")) { index += 1 }
    index = min(bytes.count, index + 2)
  }

  private mutating func skipText(_ quote: UInt8) {
    index += 1
    // An apostrophe in an #error line is never closed: it ends with its line.
    while index < bytes.count, bytes[index] != quote, bytes[index] != 0x0a {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    index = min(bytes.count, index + 1)
  }

  private static let long: [[UInt8]] = ["<<=", ">>=", "..."].map { Array($0.utf8) }
  private static let pairs: [[UInt8]] = [
    "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    "##",
  ].map { Array($0.utf8) }

  private func punctuatorLength() -> Int {
    if Self.long.contains(where: { bytes[index...].starts(with: $0) }) { return 3 }
    return Self.pairs.contains(where: { bytes[index...].starts(with: $0) }) ? 2 : 1
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isWord(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte == 0x5f || byte == 0x24
      || byte >= 0x80
  }
}
