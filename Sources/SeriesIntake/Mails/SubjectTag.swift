// SPDX-License-Identifier: Apache-2.0

/// What a subject says of a mail's place in its series: `[PATCH v2 3/7] title`.
struct SubjectTag: Sendable, Hashable {
  /// The subject without the brackets.
  var title = ""
  var isReply = false
  /// 1 if none is given.
  var version = 1
  /// The patch's number, 0 for a cover letter; `nil` if none is given.
  var number: Int?
  /// The number of patches in the series.
  var count: Int?
  /// Whether the brackets say that it is a patch.
  private(set) var isPatch = false
  /// Whether they say that it asks for comments only.
  private(set) var isRFC = false

  init(_ subject: String) {
    // No subject is longer, and each pair of brackets is a step through the rest.
    var rest = subject.prefix(Self.longest).split(whereSeparator: \.isWhitespace).joined(separator: " ")[...]
    // List prefixes come before or after the sender's: `[list] Re: [PATCH]`.
    while true {
      // After `[PATCH]`, it is a part of the title: `fw:` may be a driver.
      if !isPatch, let reply = Self.replies.first(where: { rest.lowercased().hasPrefix($0) }) {
        isReply = true
        rest = rest.dropFirst(reply.count)
      } else if rest.first == "[", let end = rest.firstIndex(of: "]") {
        take(rest[rest.index(after: rest.startIndex)..<end])
        rest = rest[rest.index(after: end)...]
      } else {
        break
      }
      rest = rest.drop { $0 == " " }
    }
    title = String(rest)
  }

  private static let longest = 1000
  private static let replies = ["re:", "aw:", "fwd:", "fw:", "antw:", "sv:", "vs:", "wg:"]

  /// Reads the words in one pair of brackets. Other words in them, such as `net-next`, say nothing about the place.
  private mutating func take(_ brackets: Substring) {
    for word in brackets.lowercased().split(whereSeparator: { " ,;[".contains($0) }) {
      let parts = word.split(separator: "/", omittingEmptySubsequences: false)
      if parts.count == 2, let number = Self.number(parts[0]), let count = Self.number(parts[1]) {
        (self.number, self.count) = (number, count)
      } else if let version = Self.version(word) {
        self.version = version
      }
      if word.hasPrefix("rfc") { isRFC = true }
      if word.hasPrefix("patch") || word.hasPrefix("rfc") || number != nil { isPatch = true }
    }
  }

  /// `v2`, and `patchv2` without a space
  private static func version(_ word: Substring) -> Int? {
    let tail = word.hasPrefix("patch") ? word.dropFirst(5) : word.hasPrefix("rfc") ? word.dropFirst(3) : word
    return tail.first == "v" ? number(tail.dropFirst()) : nil
  }

  private static func number(_ digits: Substring) -> Int? {
    guard (1...4).contains(digits.count), digits.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
    return Int(digits)
  }
}
