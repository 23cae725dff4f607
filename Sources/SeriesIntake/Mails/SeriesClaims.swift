// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage

/// What a series says of itself. These are claims: none is checked.
struct SeriesClaims {
  var origin = SeriesOrigin()

  /// - Parameter mails: the cover letter, if any, and the patches.
  mutating func take(from mails: [(raw: RawMail, read: ReadMail)], version: Int?) {
    guard let first = mails.first else { return }
    origin.version = mails.contains { $0.raw.headers.subject.contains("[") } ? version : nil
    origin.messageID = first.raw.headers.messageID.map(Self.bounded)
    origin.date = Self.header("date", of: first.raw)
    origin.link = Self.header("archived-at", of: first.raw)?.trimmingCharacters(in: CharacterSet(charactersIn: "<>"))
    // The trailers are in the cover letter, or in the first patch, where they follow the diff.
    for (_, read) in mails.prefix(2) {
      let diff = FileManager.default.contents(atPath: read.diff.string) ?? Data()
      take(lines: read.body)
      take(lines: String(decoding: diff.prefix(Self.most), as: UTF8.self))
      take(lines: String(decoding: diff.suffix(Self.most), as: UTF8.self))
    }
  }

  private mutating func take(lines text: String) {
    for line in text.split(separator: "\n") {
      if let value = Self.value("base-commit: ", line), value.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
        origin.baseCommit = origin.baseCommit ?? value
      } else if let value = Self.value("change-id: ", line) {
        origin.changeID = origin.changeID ?? value
      } else if let prerequisite = Self.prerequisite(line),
        !origin.prerequisites.contains(prerequisite), origin.prerequisites.count < Self.mostPrerequisites
      {
        origin.prerequisites.append(prerequisite)
      }
    }
  }

  private static func prerequisite(_ line: Substring) -> Prerequisite? {
    for kind in Prerequisite.Kind.allCases {
      guard let value = value("prerequisite-\(kind.rawValue): ", line) else { continue }
      return Prerequisite(kind: kind, id: value.trimmingCharacters(in: CharacterSet(charactersIn: "<>")))
    }
    return nil
  }

  private static func value(_ key: String, _ line: Substring) -> String? {
    guard line.hasPrefix(key) else { return nil }
    return bounded(line.dropFirst(key.count).trimmingCharacters(in: .whitespaces))
  }

  /// Returns a header of a mail, cut to what a report needs.
  static func header(_ name: String, of mail: RawMail) -> String? { mail.headers[name].map(bounded) }

  private static func bounded(_ text: String) -> String { String(text.unicodeScalars.prefix(200)) }

  /// Bytes of a diff that are searched, at its start and at its end.
  private static let most = 16 << 10
  private static let mostPrerequisites = 100
}
