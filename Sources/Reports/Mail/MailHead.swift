// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// The head of a reply to a series, as RFC 5322 wants it: the subject, and what puts the reply into the thread. To whom
/// it goes, its sender decides.
package struct MailHead {
  /// Without the empty line that ends the head.
  let lines: [String]

  /// - Parameter isASCII: whether the body is.
  init(_ series: PatchSeries, isASCII: Bool) {
    let id = Self.messageID(series.origin?.messageID)
    lines =
      Self.subject(Self.subject(of: series))
      + ["In-Reply-To", "References"].flatMap { field in id.map { Self.field(field, $0) } ?? [] }
      + (isASCII
        ? []
        : ["MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit"])
  }

  /// The subject of the mail whose Message-ID a series has: that of the cover letter, or else of the first patch.
  private static func subject(of series: PatchSeries) -> String {
    let all = [series.cover?.subject, series.patches.first { $0.from == nil }?.subject, series.name]
    return all.compactMap { $0 }.first { !MailText.words($0).isEmpty } ?? "series"
  }

  /// Returns the field's lines. A Message-ID cannot be folded, so its own line may be longer than others.
  private static func field(_ name: String, _ id: String) -> [String] {
    let line = "\(name): \(id)"
    return line.count <= MailText.width ? [line] : ["\(name):", " \(id)"]
  }

  /// Returns a Message-ID in its brackets; `nil` for anything else.
  package static func messageID(_ text: String?) -> String? {
    guard let text, let match = text.wholeMatch(of: /<?([!-;=?-~]+@[!-;=?-~]+)>?/) else { return nil }
    return match.output.1.count <= longestID ? "<\(match.output.1)>" : nil
  }

  /// Lines of a mail have at most 998 bytes. No real Message-ID comes near.
  private static let longestID = 250
  /// The most lines of a subject.
  private static let mostLines = 3

  /// Returns the lines of a reply's subject.
  static func subject(_ text: String) -> [String] {
    var words = MailText.words(text)
    while words.first?.lowercased() == "re:" { words.removeFirst() }
    return subject("Subject: Re:", words)
  }

  /// Returns the lines of a new mail's subject.
  package static func subject(of text: String) -> [String] { subject("Subject:", MailText.words(text)) }

  /// Returns the lines of the field. What is not plain is encoded as RFC 2047 says, so that it cannot end the field, and
  /// what looks encoded is shown as it looks.
  private static func subject(_ start: String, _ words: [String]) -> [String] {
    let isPlain = words.allSatisfy { word in
      word.count <= 50 && !word.contains("=?") && word.unicodeScalars.allSatisfy { (0x21...0x7e).contains($0.value) }
    }
    return isPlain ? folded(start, words) : encoded(start, words.joined(separator: " "))
  }

  private static func folded(_ start: String, _ words: [String]) -> [String] {
    var lines = [start]
    for (index, word) in words.enumerated() {
      if lines[lines.count - 1].count + 1 + word.count > MailText.width - 4 {
        if lines.count == mostLines {
          lines[mostLines - 1] += " ..."
          break
        }
        lines.append("")
      }
      lines[lines.count - 1] += " " + words[index]
    }
    return lines
  }

  private static func encoded(_ start: String, _ text: String) -> [String] {
    let (open, close) = ("=?UTF-8?q?", "?=")
    var lines = ["\(start) \(open)"]
    for scalar in text.unicodeScalars {
      let code = quoted(scalar)
      if lines[lines.count - 1].count + code.count + close.count > MailText.width - 3 {
        if lines.count == mostLines {
          lines[mostLines - 1] += "..."
          break
        }
        lines[lines.count - 1] += close
        lines.append(" \(open)")
      }
      lines[lines.count - 1] += code
    }
    lines[lines.count - 1] += close
    return lines
  }

  /// A character in the `Q` encoding, whole: a decoder sees each piece by itself.
  private static func quoted(_ scalar: Unicode.Scalar) -> String {
    if scalar == " " { return "_" }
    if (0x21...0x7e).contains(scalar.value), !"=?_".unicodeScalars.contains(scalar) { return String(scalar) }
    return String(scalar).utf8.map { byte in
      "=" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}
