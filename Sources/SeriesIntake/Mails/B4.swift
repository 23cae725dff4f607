// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// b4, which finds the newest version of a series in a thread.
///
/// Only its choice and order of mails is used. b4 decodes mails in its own way; git reads the patches from the mails
/// as they came, so that what applies here also applies with `git am`.
enum B4 {
  /// Asks b4 for the series in these mails.
  /// - Parameters:
  ///   - version: which version; `nil` is the newest.
  ///   - place: a directory for b4's files, created here.
  /// - Returns: the patches in their order; empty if b4 finds none.
  static func choose(
    _ mails: [RawMail], version: Int? = nil, in place: FilePath, _ cage: Cage?
  ) async throws -> [RawMail] {
    let manager = FileManager.default
    let out = place.appending("out")
    try manager.createDirectory(atPath: out.string, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: place.string) }
    var byID: [String: RawMail] = [:]
    var mbox: [UInt8] = []
    for (index, mail) in mails.enumerated() {
      let id = mail.headers.messageID ?? "\(index)@patchbench.invalid"
      // A list's copy and a direct copy have the same one.
      guard byID.updateValue(mail, forKey: id) == nil else { continue }
      mbox += try entry(mail, id: id)
    }
    let file = place.appending("thread.mbox")
    try Data(mbox).write(to: URL(filePath: file.string))
    // Without a user, b4 ends without a word. Attestation would need the network.
    try Data("[user]\n\tname = patchbench\n\temail = patchbench@localhost\n[b4]\n\tattestation-policy = off\n".utf8)
      .write(to: URL(filePath: place.appending("config").string))
    var options = ["am", "--allow-unicode-control-chars", "--no-add-trailers", "--no-cover"]
    if let version { options += ["--use-version", "\(version)"] }
    var tool = Tool("b4", options + ["-n", "series", "-m", file.string, "-o", out.string], in: place)
    tool.environment.merge(Git.tool([], in: place).environment) { $1 }
    tool.environment.merge(["HOME": place.string, "GIT_CONFIG_GLOBAL": place.appending("config").string]) { $1 }
    let answer = try await (cage?.wrap(tool, in: place) ?? tool).run()
    guard answer.status.isSuccess, let chosen = manager.contents(atPath: out.appending("series.mbx").string) else {
      return []
    }
    var taken: Set<FilePath> = []
    return Self.mails(in: chosen).compactMap { id in byID[id] }.filter { taken.insert($0.file).inserted }
  }

  /// Returns a mail as an mbox's entry.
  private static func entry(_ mail: RawMail, id: String) throws -> [UInt8] {
    let bytes = try Data(contentsOf: URL(filePath: mail.file.string))
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)[...]
    if lines.first?.starts(with: from) == true { lines.removeFirst() }
    var entry = from + Array("patchbench Thu Jan  1 00:00:00 1970\n".utf8)
    if mail.headers.messageID == nil { entry += Array("Message-ID: <\(id)>\n".utf8) }
    if mail.headers.isEmpty { entry.append(0x0a) }
    for line in lines {
      if line.starts(with: from) { entry.append(UInt8(ascii: ">")) }
      entry += line
      entry.append(0x0a)
    }
    return entry + [0x0a]
  }

  private static let from = Array("From ".utf8)

  /// Returns the Message-IDs of the mails that b4 wrote.
  private static func mails(in mbox: Data) -> [String] {
    let separator = Data("From git@z Thu Jan  1 00:00:00 1970\n".utf8)
    var ids: [String] = []
    var rest = mbox[...]
    while let start = rest.range(of: separator) {
      rest = rest[start.upperBound...]
      if let id = MailHeaders(rest.prefix(64 << 10)).messageID { ids.append(id) }
    }
    return ids
  }
}
