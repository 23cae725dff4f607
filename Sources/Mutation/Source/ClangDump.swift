// SPDX-License-Identifier: Apache-2.0

/// Reads the output of `clang -Xclang -ast-dump=json`.
///
/// clang is used for three reasons:
/// - It is part of the Swift toolchain, so every machine that builds patchbench has it.
/// - It parses the kernel's 6.1 and 6.12 sources with kbuild's own flags, without an error, in a second per file.
/// - It says for each token whether it is written in the file, is a macro's argument, or comes from a macro.
///
/// A dump is tens of megabytes, little of which is needed, and a location's file is printed only if it differs from the
/// previous one. Both call for a reader that goes through the text once, in order.
public struct ClangDump {
  /// A dump that clang would not print.
  public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
    public var offset: Int
    public var description: String { "clang's AST dump cannot be read at byte \(offset)" }
  }

  private let bytes: [UInt8]
  private let file: String
  private var index = 0
  /// The file of the last location.
  private var current = ""

  /// - Parameters:
  ///   - bytes: one JSON object per declaration, one after another.
  ///   - file: the file whose positions are kept, relative to the tree's root.
  /// - Returns: the declarations.
  public static func read(_ bytes: [UInt8], file: String) throws(Malformed) -> [SyntaxNode] {
    var dump = ClangDump(bytes: bytes, file: file)
    var nodes: [SyntaxNode] = []
    dump.skipSpace()
    while dump.index < bytes.count {
      // Each declaration is a separate dump, which begins without a previous file.
      dump.current = ""
      nodes.append(try dump.node(depth: 0))
      dump.skipSpace()
    }
    return nodes
  }

  private init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  // MARK: - AST

  /// Nobody writes deeper code, and the stack is limited.
  private static let deepest = 2000

  private mutating func node(depth: Int) throws(Malformed) -> SyntaxNode {
    if depth > Self.deepest { throw Malformed(offset: index) }
    var node = SyntaxNode()
    try object { dump, key throws(Malformed) in
      switch key {
      case "kind": node.kind = try dump.string()
      case "name": node.name = try dump.string()
      case "opcode": node.opcode = try dump.string()
      case "type": node.type = try dump.type()
      case "referencedDecl": node.referenced = try dump.nameOnly()
      case "loc": _ = try dump.location()
      case "range":
        try dump.object { dump, key throws(Malformed) in
          switch key {
          case "begin": node.begin = try dump.location()
          case "end": node.end = try dump.location()
          default: try dump.skip()
          }
        }
      case "inner": try dump.array { dump throws(Malformed) in node.children.append(try dump.node(depth: depth + 1)) }
      default: try dump.skip()
      }
    }
    return node
  }

  private mutating func type() throws(Malformed) -> String {
    var plain = ""
    var desugared: String?
    try object { dump, key throws(Malformed) in
      switch key {
      case "qualType": plain = try dump.string()
      case "desugaredQualType": desugared = try dump.string()
      default: try dump.skip()
      }
    }
    return desugared ?? plain
  }

  private mutating func nameOnly() throws(Malformed) -> String {
    var name = ""
    try object { dump, key throws(Malformed) in
      if key == "name" { name = try dump.string() } else { try dump.skip() }
    }
    return name
  }

  private mutating func location() throws(Malformed) -> SyntaxNode.Location {
    var location = SyntaxNode.Location()
    var isMacro = false
    var offset: Int?
    var length = 0
    try object { dump, key throws(Malformed) in
      switch key {
      case "spellingLoc":
        isMacro = true
        location.spelling = try dump.location().spelling
      case "expansionLoc":
        isMacro = true
        location.expansion = try dump.location().spelling
      case "offset": offset = try dump.number()
      case "tokLen": length = try dump.number()
      case "file": dump.current = try dump.string()
      default: try dump.skip()
      }
    }
    if !isMacro, let offset, isFile {
      location.spelling = SyntaxNode.Place(offset: offset, length: length)
      location.expansion = location.spelling
    }
    return location
  }

  private var isFile: Bool { current == file || (current.hasPrefix("./") && current.dropFirst(2) == file) }

  // MARK: - JSON

  private mutating func skipSpace() {
    while index < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[index]) { index += 1 }
  }

  private mutating func take(_ byte: Character) throws(Malformed) {
    skipSpace()
    guard index < bytes.count, bytes[index] == byte.asciiValue else { throw Malformed(offset: index) }
    index += 1
  }

  /// Returns whether this byte comes next, and consumes it if so.
  private mutating func takes(_ byte: Character) -> Bool {
    skipSpace()
    guard index < bytes.count, bytes[index] == byte.asciiValue else { return false }
    index += 1
    return true
  }

  private mutating func object(
    _ member: (inout ClangDump, String) throws(Malformed) -> Void
  ) throws(Malformed) {
    try take("{")
    if takes("}") { return }
    repeat {
      let key = try string()
      try take(":")
      try member(&self, key)
    } while takes(",")
    try take("}")
  }

  private mutating func array(_ element: (inout ClangDump) throws(Malformed) -> Void) throws(Malformed) {
    try take("[")
    if takes("]") { return }
    repeat { try element(&self) } while takes(",")
    try take("]")
  }

  /// Escapes stay as they are: no C name contains one.
  private mutating func string() throws(Malformed) -> String {
    try take("\"")
    let start = index
    try endString()
    return String(decoding: bytes[start..<(index - 1)], as: UTF8.self)
  }

  private mutating func endString() throws(Malformed) {
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    guard index < bytes.count else { throw Malformed(offset: bytes.count) }
    index += 1
  }

  private mutating func number() throws(Malformed) -> Int {
    skipSpace()
    let start = index
    while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
    guard let value = Int(String(decoding: bytes[start..<index], as: UTF8.self)) else { throw Malformed(offset: start) }
    return value
  }

  /// Skips a value.
  private mutating func skip() throws(Malformed) {
    var depth = 0
    repeat {
      skipSpace()
      guard index < bytes.count else { throw Malformed(offset: index) }
      switch bytes[index] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        index += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        index += 1
      case UInt8(ascii: "\""):
        index += 1
        try endString()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        if depth == 0 { throw Malformed(offset: index) }
        index += 1
      default:
        let start = index
        while index < bytes.count, Self.isPlain(bytes[index]) { index += 1 }
        if index == start { throw Malformed(offset: index) }
      }
    } while depth > 0
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)
      || [0x2b, 0x2d, 0x2e].contains(byte)
  }
}
