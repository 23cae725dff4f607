// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The headers of a mail that tell its place in a thread. The patch itself is read by git.
struct MailHeaders: Sendable, Hashable {
  /// By lower-case name; the first one of each name.
  private var fields: [String: String] = [:]

  /// - Parameter bytes: the mail, or its beginning.
  init(_ bytes: some Sequence<UInt8>) {
    var name: String?
    var isFirst = true
    for line in Self.lines(bytes) {
      // The line that separates mails in an mbox.
      if isFirst, line.hasPrefix("From ") || line.hasPrefix(">From ") { continue }
      isFirst = false
      if line.isEmpty { break }
      if line.first == " " || line.first == "\t" {
        if let name { fields[name]?.append(" " + line.trimmingCharacters(in: .whitespaces)) }
        continue
      }
      guard let colon = line.firstIndex(of: ":"), line[..<colon].utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        // Not a header: a bare diff.
        break
      }
      let key = line[..<colon].lowercased()
      name = fields[key] == nil ? key : nil
      if let name { fields[name] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces) }
    }
  }

  private static func lines(_ bytes: some Sequence<UInt8>) -> [String] {
    Array(bytes).split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
    }
  }

  var isEmpty: Bool { fields.isEmpty }

  subscript(_ name: String) -> String? { fields[name] }

  /// Decoded (RFC 2047).
  var subject: String { EncodedWords.decode(fields["subject"] ?? "") }

  var messageID: String? { Self.ids(fields["message-id"]).first }

  /// The mails that this one answers, nearest first.
  var parents: [String] { Self.ids(fields["in-reply-to"]) + Self.ids(fields["references"]).reversed() }

  /// The sender's address; the whole field if it has none.
  var sender: String {
    let field = fields["from"] ?? ""
    return (Self.ids(field).last ?? field).lowercased()
  }

  /// When it was sent; `nil` if the field does not say so.
  var date: Date? {
    // The name of the time zone may follow: `Thu, 28 May 2026 21:49:58 +0800 (CST)`.
    var parts = (fields["date"] ?? "").prefix { $0 != "(" }.split { $0 == " " || $0 == "," }
    if let first = parts.first, Int(first) == nil { parts.removeFirst() }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "d MMM yyyy HH:mm:ss Z"
    return format.date(from: parts.joined(separator: " "))
  }

  private static func ids(_ field: String?) -> [String] {
    (field ?? "").split(separator: "<").compactMap { part in
      part.firstIndex(of: ">").map { String(part[..<$0]) }
    }
  }
}

/// Words such as `=?utf-8?q?K=C3=B6nig?=` in headers.
enum EncodedWords {
  static func decode(_ text: String) -> String {
    guard text.contains("=?") else { return text }
    // Whitespace between two encoded words is only there because lines have a maximum length.
    let joined = text.replacing(/\?=\s+=\?/, with: "?==?")
    return joined.replacing(/=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=/) { match in
      let bytes = match.output.2.lowercased() == "b" ? base64(match.output.3) : quoted(match.output.3)
      guard let bytes else { return String(match.output.0) }
      if ["utf-8", "us-ascii"].contains(match.output.1.lowercased()) { return String(decoding: bytes, as: UTF8.self) }
      return String(bytes: bytes, encoding: .isoLatin1) ?? String(match.output.0)
    }
  }

  private static func base64(_ text: Substring) -> [UInt8]? { Data(base64Encoded: String(text)).map(Array.init) }

  private static func quoted(_ text: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "_"): bytes.append(0x20)
      case UInt8(ascii: "="):
        guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    return bytes
  }
}
