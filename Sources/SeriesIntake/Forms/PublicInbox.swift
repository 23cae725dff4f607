// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// One thread of a public-inbox archive, which is a git repository with one commit for each mail:
/// `archive.git#MESSAGE-ID`.
struct PublicInbox: SeriesForm {
  let words: String? = "ARCHIVE.git#MESSAGE-ID"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.kind == .nothing, let mark = argument.text.firstIndex(of: "#"),
      let archive = GitRepository(FilePath(String(argument.text[..<mark])))
    else { return nil }
    let text = String(argument.text[argument.text.index(after: mark)...])
    guard let id = MessageLink.messageID(text) else {
      throw .noMail(argument.text, reason: "“\(text)” is not a Message-ID")
    }
    return [
      InboxSeries(name: SeriesName.safe(id), path: argument.path, archive: archive, messageID: id)
    ]
  }
}

/// The thread that a mail of an archive belongs to.
struct InboxSeries: ThreadSource {
  var name: String
  var path: FilePath
  let archive: GitRepository
  let messageID: String
  var version: Int?

  var firstFile: String { messageID }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    var read = try await readThread(into: store, cage: cage)
    // What it names is looked up in the archive, but not what that names in its turn.
    let known = read.others.reduce(read.messageIDs) { $0.union($1.messageIDs) }
    let named = (read.series.origin?.prerequisites ?? []).filter { $0.kind == .messageID && !known.contains($0.id) }
    for (number, prerequisite) in named.prefix(Self.mostPrerequisites).enumerated() {
      let other = InboxSeries(
        name: SeriesName.safe(prerequisite.id), path: path, archive: archive, messageID: prerequisite.id)
      do {
        var found = try await other.readThread(into: store.appending("prerequisite-\(number)"), cage: cage)
        found.series.name = OtherSeries.title(found.series)
        found.series.path = nil
        found.others = []
        read.others.append(found)
      } catch is IntakeError { continue }
    }
    return read
  }

  func thread(in place: FilePath, _ cage: Cage?) async throws -> MailSeries {
    let thread = try await blobs(in: place, cage)
    if thread.isEmpty { throw IntakeError.noMail(path.string, reason: "no mail in the archive has this Message-ID") }
    if thread.count > Self.longestThread {
      throw IntakeError.tooMuch(path.string, "a thread of \(thread.count) mails")
    }
    guard let mails = try await archive.write(thread, in: place, cage) else {
      throw IntakeError.noMail(path.string, reason: "git cannot read its thread")
    }
    let headers = try mails.map { mail in
      let file = try FileHandle(forReadingFrom: URL(filePath: mail.string))
      defer { try? file.close() }
      return MailHeaders(try file.read(upToCount: 1 << 16) ?? Data())
    }
    // A reader knows mails by their Message-IDs, not by the names of git's objects. In an mbox, the oldest comes first.
    let order = headers.map { $0.date ?? .distantPast }
    let files = mails.indices.sorted { (order[$0], $0) < (order[$1], $1) }.map { index in
      MailFile(mails[index], label: headers[index].messageID ?? mails[index].lastComponent?.string, shown: path.string)
    }
    return MailSeries(
      name: name, path: path, files: files, isMailbox: true, version: version, named: version == nil ? messageID : nil)
  }

  /// Finds the thread. To unpack all mails of a large archive takes long, so only those around the named one are read, if
  /// its date is known.
  private func blobs(in place: FilePath, _ cage: Cage?) async throws -> [String] {
    // Most Message-IDs of patches have a date.
    if let date = MailDate.seconds(in: messageID) {
      let found = try await blobs(around: date, in: place, cage)
      if !found.isEmpty { return found }
    }
    // Most mails that somebody asks for are recent.
    if let date = try await MailIndex.newest(Self.recent, archive, in: place, cage).date(of: messageID) {
      return try await blobs(around: date, in: place, cage)
    }
    return try await MailIndex.all(archive, in: place, cage).thread(of: messageID).blobs
  }

  private func blobs(around date: Int, in place: FilePath, _ cage: Cage?) async throws -> [String] {
    let thread = try await MailIndex.read(archive, around: date, months: 1, in: place, cage).thread(of: messageID)
    if thread.blobs.isEmpty || thread.isWhole { return thread.blobs }
    // It began before that, or some of its mails were never archived.
    return try await MailIndex.read(archive, around: date, months: 12, in: place, cage).thread(of: messageID).blobs
  }

  /// The number of mails that are read in well under a second.
  private static let recent = 10_000

  static let longestThread = 2000
  private static let mostPrerequisites = 10
}
