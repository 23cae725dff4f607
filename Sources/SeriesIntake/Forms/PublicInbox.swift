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
private struct InboxSeries: SeriesSource {
  var name: String
  var path: FilePath
  let archive: GitRepository
  let messageID: String
  /// Which version of the thread is taken; `nil` is the one of the named mail.
  var version: Int?

  var firstFile: String { messageID }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute.appending("archive")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    return try await thread(in: place, cage).read(into: store, cage: cage)
  }

  func versions(scratch: FilePath, cage: Cage?) async throws -> [any SeriesSource] {
    let place = scratch.absolute.appending("archive")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let thread = try await thread(in: place, cage)
    let all = try await thread.versions(scratch: scratch.appending("mails"), cage: cage)
    return all.count < 2 ? [self] : all.compactMap { ($0 as? MailSeries)?.version.flatMap(version) }
  }

  func version(_ number: Int) -> (any SeriesSource)? {
    var one = self
    one.version = number
    one.name += "-v\(number)"
    one.path = FilePath("\(path.string)#v\(number)")
    return one
  }

  /// Returns the mails of the whole thread, each written to a file.
  private func thread(in place: FilePath, _ cage: Cage?) async throws -> MailSeries {
    // Most Message-IDs of patches have a date. Only its surroundings are read then.
    var thread: [String] = []
    if let date = MailDate.seconds(in: messageID) {
      thread = try await MailIndex.read(archive, around: date, in: place, cage).thread(of: messageID)
    }
    if thread.isEmpty { thread = try await MailIndex.read(archive, in: place, cage).thread(of: messageID) }
    if thread.isEmpty { throw IntakeError.noMail(path.string, reason: "no mail in the archive has this Message-ID") }
    if thread.count > Self.longestThread {
      throw IntakeError.tooMuch(path.string, "a thread of \(thread.count) mails")
    }
    let mails = try await write(thread, in: place, cage)
    // The whole thread may have newer versions; the user named a mail of this one.
    let files = mails.map { MailFile($0, label: $0.lastComponent!.string, shown: path.string) }
    let head = try FileHandle(forReadingFrom: URL(filePath: mails[0].string)).read(upToCount: 1 << 16) ?? Data()
    let named = SubjectTag(MailHeaders(head).subject).version
    return MailSeries(name: name, path: path, files: files, isMailbox: true, version: version ?? named)
  }

  /// A fixed text; its arguments are object names.
  private static let script = "for mail do git cat-file blob \"$mail\" >\"$mail\" || exit; done"

  /// Writes the mails, each to a file with its object's name. Whatever their encoding, they stay as they are.
  private func write(_ blobs: [String], in place: FilePath, _ cage: Cage?) async throws -> [FilePath] {
    let answer = try await archive.tool("sh", ["-c", Self.script, "sh"] + blobs, in: place, cage).run()
    guard answer.status.isSuccess else {
      throw IntakeError.noMail(path.string, reason: "git cannot read it (\(answer.errors.firstLine ?? "no reason"))")
    }
    return blobs.map { place.appending($0) }
  }

  private static let longestThread = 2000
}
