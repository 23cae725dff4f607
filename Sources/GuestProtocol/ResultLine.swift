// SPDX-License-Identifier: Apache-2.0

/// One parsed `ok` or `not ok` line of KTAP.
///
/// All parsing works on bytes: everything that KTAP gives a meaning is ASCII, whereas a `Character` can be a space or a
/// `#` together with a combining mark after it.
struct ResultLine {
  var passed: Bool
  var number: Int
  var description: String
  /// The text after ` # ` as it was written, so that an escaped word is not taken for a directive.
  private var written: Substring.UTF8View

  init?(_ text: some StringProtocol) {
    var rest = Substring(text).utf8
    if rest.starts(with: "not ok ".utf8) {
      passed = false
      rest = rest.dropFirst(7)
    } else if rest.starts(with: "ok ".utf8) {
      passed = true
      rest = rest.dropFirst(3)
    } else {
      return nil
    }
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    guard let number = Int(Substring(digits)) else { return nil }
    self.number = number
    rest = rest[digits.endIndex...]
    if rest.starts(with: " - ".utf8) {
      rest = rest.dropFirst(3)
    } else if rest.first == .space {
      rest = rest.dropFirst()
    }
    let cut = Self.hash(in: rest)
    description = Self.unescape(Substring(rest[..<(cut ?? rest.endIndex)]))
    written = cut.map { rest[$0...].dropFirst(2).drop { $0 == .space } } ?? rest[rest.endIndex...]
  }

  /// The text after ` # `, including its directive.
  var data: String { Self.unescape(Substring(written)) }

  var status: TestStatus {
    switch directive {
    case "SKIP": passed ? .skip : .notOk
    case "TIMEOUT": .timeout
    case "ERROR": .crash
    default: passed ? .ok : .notOk
    }
  }

  /// The text after the directive, or all of it if there is none.
  var reason: String {
    guard let directive else { return data }
    return Self.unescape(Substring(written.dropFirst(directive.utf8.count).drop { $0 == .space }))
  }

  private var directive: String? { Self.directive(written) }

  /// Whether text after ` # ` would be taken for a directive.
  static func startsWithDirective(_ text: String) -> Bool { directive(Substring(text).utf8) != nil }

  private static func directive(_ text: Substring.UTF8View) -> String? {
    let word = Substring(text.prefix { $0 != .space }).uppercased()
    return ["SKIP", "TIMEOUT", "ERROR"].first { $0 == word }
  }

  /// The index of the first unescaped ` #`.
  private static func hash(in text: Substring.UTF8View) -> Substring.UTF8View.Index? {
    var escaped = false
    var spaceBefore: Substring.UTF8View.Index?
    for index in text.indices {
      let byte = text[index]
      if escaped {
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: "#"), let spaceBefore {
        return spaceBefore
      }
      spaceBefore = byte == .space ? index : nil
    }
    return nil
  }

  static func unescape(_ text: Substring) -> String {
    var out: [UInt8] = []
    var escaped = false
    for byte in text.utf8 {
      if !escaped, byte == UInt8(ascii: "\\") {
        escaped = true
      } else {
        out.append(byte)
        escaped = false
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate static let space = UInt8(ascii: " ")
}
