// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// A Message-ID or a link to an archive of mails. b4 fetches the thread.
struct MessageLink: SeriesForm {
  let words: String? = "a Message-ID or a link to it"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.kind == .nothing, Self.isLink(argument.text) || Self.messageID(argument.text) != nil else {
      return nil
    }
    guard let id = Self.messageID(argument.text) else { throw .noMessageID(argument.text) }
    return [FetchedSeries(name: SeriesName.safe(id), text: argument.text, messageID: id)]
  }

  /// Returns the Message-ID that a text is or has; `nil` if it has none.
  static func messageID(_ text: String) -> String? {
    if isLink(text) {
      // https://lore.kernel.org/LIST/MESSAGE-ID/t.mbox.gz
      let parts = text.split(separator: "/").dropFirst(2).map { $0.removingPercentEncoding ?? String($0) }
      return parts.last { $0.contains("@") }
    }
    var id = text[...]
    if id.hasPrefix("id:") || id.hasPrefix("mid:") { id = id[id.index(after: id.firstIndex(of: ":")!)...] }
    if id.hasPrefix("<"), id.hasSuffix(">") { id = id.dropFirst().dropLast() }
    let parts = id.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !id.contains(where: { $0 == "/" || $0.isWhitespace })
    else { return nil }
    return String(id)
  }

  /// Also a link of which a `FilePath` has made `https:/lore.kernel.org`.
  static func isLink(_ text: String) -> Bool { text.hasPrefix("https:/") || text.hasPrefix("http:/") }

  /// Returns a link with both slashes.
  static func whole(_ link: String) -> String {
    let parts = link.split(separator: ":", maxSplits: 1)
    return "\(parts[0])://\(parts[1].drop { $0 == "/" })"
  }
}

/// The thread of a mail, fetched from the archive of a link, or from lore.kernel.org.
struct FetchedSeries: ThreadSource {
  var name: String
  var path: FilePath
  let messageID: String
  var version: Int?
  private let fetched: FetchedThread

  /// - Parameter text: what the user named.
  init(name: String, text: String, messageID: String) {
    self.name = name
    path = FilePath(text)
    self.messageID = messageID
    fetched = FetchedThread(text, messageID: messageID)
  }

  var firstFile: String { messageID }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    try await readThread(into: store, cage: cage)
  }

  func thread(in place: FilePath, _ cage: Cage?) async throws -> MailSeries {
    let mbox = try await fetched.mbox(in: place.appending("b4"), cage)
    let file = place.appending("mbox")
    try mbox.write(to: URL(filePath: file.string))
    return MailSeries(
      name: name, path: path, files: [MailFile(file, label: "thread.mbox", shown: path.string)], isMailbox: true,
      version: version, named: version == nil ? messageID : nil)
  }
}

/// What was fetched. A run reads its series several times.
private actor FetchedThread {
  private let text: String
  private let messageID: String
  private var mbox: Data?

  init(_ text: String, messageID: String) {
    self.text = text
    self.messageID = messageID
  }

  /// - Parameter place: a directory for b4's files, created here.
  /// - Throws: ``IntakeError``, and file system errors.
  func mbox(in place: FilePath, _ cage: Cage?) async throws -> Data {
    if let mbox { return mbox }
    switch try await B4.fetch(MessageLink.isLink(text) ? MessageLink.whole(text) : messageID, in: place, cage) {
    case .mbox(let fetched):
      mbox = fetched
      return fetched
    case .nothing(let reason): throw IntakeError.notFetched(text, messageID: messageID, reason: reason)
    }
  }
}
