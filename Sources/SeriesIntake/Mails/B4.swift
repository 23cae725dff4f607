// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// b4, which finds the newest version of a series in a thread, and fetches threads.
///
/// Of a thread, only its choice and order of mails, and the trailers that it finds in replies, are used. b4 decodes mails in its own
/// way; git reads the patches from the mails as they came, so that what applies here also applies with `git am`.
enum B4 {
  /// Asks b4 for the series in these mails.
  /// - Parameters:
  ///   - version: which version; `nil` is the newest.
  ///   - place: a directory for b4's files, created here.
  /// - Returns: the patches in their order; empty if b4 finds none. Next to each is the mail as b4 wrote it, with the
  ///   trailers from replies.
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
    var options = ["am", "--allow-unicode-control-chars", "--apply-cover-trailers", "--no-cover"]
    if let version { options += ["--use-version", "\(version)"] }
    let tool = try tool(options + ["-n", "series", "-m", file.string, "-o", out.string], in: place)
    let answer = try await (cage?.wrap(tool, in: place) ?? tool).run()
    guard answer.status.isSuccess, let chosen = manager.contents(atPath: out.appending("series.mbx").string) else {
      return []
    }
    var taken: Set<FilePath> = []
    var patches: [RawMail] = []
    for (id, text) in Self.mails(in: chosen, of: "git@z") {
      guard let mail = byID[id], taken.insert(mail.file).inserted else { continue }
      try text.write(to: URL(filePath: mail.part("b4").string))
      patches.append(mail)
    }
    return patches
  }

  /// What came of fetching a thread.
  enum Fetched {
    case mbox(Data)
    /// Why there is none, in b4's words.
    case nothing(reason: String)
  }

  /// Fetches a whole thread from its archive.
  /// - Parameters:
  ///   - link: a Message-ID, which lore.kernel.org must know, or a link to a mail.
  ///   - place: a directory for b4's files, created here.
  ///   - cage: gets a network for this only.
  static func fetch(_ link: String, in place: FilePath, _ cage: Cage?) async throws -> Fetched {
    let manager = FileManager.default
    let out = place.appending("out")
    try manager.createDirectory(atPath: out.string, withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: place.string) }
    var tool = try tool(["mbox", "--no-cache", "-n", "thread.mbox", "-o", out.string, "--", link], in: place)
    let proxies = ["http_proxy", "https_proxy", "no_proxy"].flatMap { [$0, $0.uppercased()] }
    tool.environment.merge(ProcessInfo.processInfo.environment.filter { proxies.contains($0.key) }) { $1 }
    let answer: ToolResult
    do {
      answer = try await (cage?.online().wrap(tool, in: place) ?? tool).run(deadline: patience)
    } catch {
      switch error {
      case .deadlineExceeded(_, let seconds): return .nothing(reason: "no answer within \(Int(seconds)) s")
      case .exceeded(_, let excess): return .nothing(reason: excess.words)
      default: throw error
      }
    }
    guard answer.status.isSuccess, let mbox = manager.contents(atPath: out.appending("thread.mbox").string) else {
      let last = (answer.output + "\n" + answer.errors).split(separator: "\n").last
      return .nothing(reason: String((last.map(cause) ?? "it \(answer.status.words)").prefix(longestReason)))
    }
    return .mbox(mbox)
  }

  /// Returns the words of b4's log, without their full stop, or of the last line of Python's traceback. That line has the
  /// cause at its end:
  /// `…(Caused by NewConnectionError('<…>: Failed to establish a new connection: [Errno 111] Connection refused'))`
  static func cause(_ line: Substring) -> String {
    guard let object = line.range(of: ">: ", options: .backwards) else {
      return String(line.hasSuffix(".") ? line.dropLast() : line)
    }
    return line[object.upperBound...].trimmingCharacters(in: CharacterSet(charactersIn: "'\")"))
  }

  private static let patience = Duration.seconds(120)
  private static let longestReason = 300

  /// Returns b4 with an empty configuration.
  private static func tool(_ words: [String], in place: FilePath) throws -> Tool {
    // Without a user, b4 ends without a word. Attestation would need the network: without it, b4 calls good DKIM
    // signatures bad.
    try Data("[user]\n\tname = patchbench\n\temail = patchbench@localhost\n[b4]\n\tattestation-policy = off\n".utf8)
      .write(to: URL(filePath: place.appending("config").string))
    var tool = Tool("b4", words, in: place)
    tool.environment.merge(Git.tool([], in: place).environment) { $1 }
    tool.environment.merge(["HOME": place.string, "GIT_CONFIG_GLOBAL": place.appending("config").string]) { $1 }
    return tool
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

  /// Returns the mails of an mbox that b4 wrote, by their Message-IDs.
  /// - Parameter sender: stands in the lines that separate the mails: b4 has one for series, and one for threads.
  private static func mails(in mbox: Data, of sender: String) -> [(id: String, text: Data)] {
    let separator = Data("From \(sender) Thu Jan  1 00:00:00 1970\n".utf8)
    var found: [(id: String, text: Data)] = []
    var next = mbox.range(of: separator)
    while let start = next {
      next = mbox[start.upperBound...].range(of: separator)
      let text = mbox[start.upperBound..<(next?.lowerBound ?? mbox.endIndex)]
      if let id = MailHeaders(text.prefix(64 << 10)).messageID { found.append((id, text)) }
    }
    return found
  }
}
