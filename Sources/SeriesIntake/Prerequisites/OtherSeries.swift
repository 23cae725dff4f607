// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage

/// Reads the series that are in a mailbox besides the one that was taken.
struct OtherSeries {
  var reader: MailReader
  /// The directory of the series that was taken; the diffs go to directories in it.
  var store: FilePath

  /// - Parameter mails: without replies. What git cannot read is left out.
  func read(_ mails: [RawMail]) async throws -> [ReadSeries] {
    let byID = Dictionary(mails.compactMap { mail in mail.headers.messageID.map { ($0, mail) } }) { first, _ in first }
    // A thread may have several versions. Its first mail is the one that most mails before this one answer.
    func thread(_ mail: RawMail) -> [String] {
      let head = mail.headers.parents.reversed().lazy.compactMap { byID[$0] }.first ?? mail
      return ["\(mail.tag.version)", head.file.string]
    }
    let groups = Dictionary(grouping: try await reader.readAny(mails)) { thread($0.raw) }
    let threads = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    return try threads.enumerated().compactMap { number, mails in
      try series(mails, in: store.appending("other-\(number)"))
    }
  }

  private func series(_ mails: [(raw: RawMail, read: ReadMail)], in place: FilePath) throws -> ReadSeries? {
    let patches = mails.filter { !$0.read.paths.isEmpty }.sorted { ($0.raw.tag.number ?? 1) < ($1.raw.tag.number ?? 1) }
    guard let first = patches.first else { return nil }
    let cover = mails.first { $0.read.paths.isEmpty && $0.raw.tag.number ?? 0 == 0 }
    var claims = SeriesClaims()
    claims.take(from: (cover.map { [$0] } ?? []) + patches, version: first.raw.tag.version)
    var found = ReadSeries(series: PatchSeries(name: "", patches: []), diffs: [])
    found.series.cover = cover.map { CoverLetter(subject: $0.read.subject, body: $0.read.body) }
    found.series.origin = claims.origin
    found.messageIDs = Set(mails.compactMap(\.raw.headers.messageID))
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    for (raw, read) in patches {
      let diff = place.appending(ReadSeries.diffName(found.diffs.count + 1))
      try FileManager.default.moveItem(atPath: read.diff.string, toPath: diff.string)
      found.diffs.append(diff)
      found.series.patches.append(
        Patch(subject: read.subject, author: read.author, file: raw.label, paths: read.paths))
    }
    found.series.name = Self.title(found.series)
    return found
  }

  /// The name of a series that the user did not name.
  static func title(_ series: PatchSeries) -> String {
    "“\(series.cover?.subject ?? series.patches.first?.subject ?? "")”"
  }
}
