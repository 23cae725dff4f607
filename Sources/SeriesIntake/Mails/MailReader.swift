// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// One mail, as parsed by `git mailinfo`.
struct ReadMail: Sendable {
  var subject = ""
  var author = ""
  var body = ""
  /// The body, cut to what a commit message has.
  var message = ""
  /// The diff, in scratch. It is empty for a cover letter.
  var diff: FilePath
  /// The paths that its diff changes.
  var paths: [String] = []
  /// Its own, and those from replies to it.
  var trailers: [Trailer] = []
}

/// Reads mails with git's own tools, so that encodings, mbox quoting and in-body headers are interpreted as by `git am`.
struct MailReader {
  /// The directory that the mails are in.
  let place: FilePath
  let cage: Cage?

  /// Reads the mails in their order. Mails without a diff have no paths.
  func read(_ mails: [RawMail]) async throws -> [ReadMail] {
    try await open(mails)
    return try mails.map(read)
  }

  /// Reads the mails that can be read.
  func readAny(_ mails: [RawMail]) async throws -> [(raw: RawMail, read: ReadMail)] {
    try await open(mails)
    return mails.compactMap { mail in (try? read(mail)).map { (mail, $0) } }
  }

  private func open(_ mails: [RawMail]) async throws {
    let chunks = stride(from: 0, to: mails.count, by: Self.chunk).map {
      Array(mails[$0..<min($0 + Self.chunk, mails.count)])
    }
    _ = try await chunks.concurrentMap(limit: 2) { try await openTogether($0) }
  }

  private static let chunk = 50

  /// A fixed text; the mails' files have numbers as names. One shell reads many mails, because starting a cage for each
  /// takes longer than git does. Lists decode base64, so a mail may come with the sender's CR: git am would need
  /// --quoted-cr=strip, too. git takes a mail's first paragraph for the subject, which has no trailers.
  private static let script = """
    for mail do
      git mailinfo --no-scissors --quoted-cr=strip "$mail.body" "$mail.diff" <"$mail" >"$mail.info" 2>"$mail.said" ||
        { : >"$mail.failed"; continue; }
      { echo subject; echo; cat "$mail.body"; } | git interpret-trailers --parse --no-divider >"$mail.trailers"
      test -f "$mail.b4" || continue
      git mailinfo "$mail.b4.body" /dev/null <"$mail.b4" >/dev/null 2>&1 &&
        { echo subject; echo; cat "$mail.b4.body"; } | git interpret-trailers --parse --no-divider >"$mail.b4.trailers"
    done
    :
    """

  /// Lists what the diffs change. For a rename, git lists only the new name; in reverse, that is the old one. Otherwise a
  /// source file moved to Documentation/ would look like a documentation change.
  private static let paths = """
    for mail do
      test -s "$mail.diff" || continue
      git apply --numstat -z -- "$mail.diff" >"$mail.new" 2>"$mail.error" || { : >"$mail.unclear"; continue; }
      git apply --numstat -z --reverse -- "$mail.diff" >"$mail.old" 2>"$mail.error" || : >"$mail.unclear"
    done
    """

  private func openTogether(_ mails: [RawMail]) async throws {
    try await run(Self.script, mails)
    for mail in mails where mail.source.strip != 1 {
      try DiffPaths.normalize(mail.part("diff"), strip: mail.source.strip)
    }
    try await run(Self.paths, mails)
  }

  private func run(_ script: String, _ mails: [RawMail]) async throws {
    let prefix = place.components.count
    let names = mails.map { mail in mail.file.components.dropFirst(prefix).map(\.string).joined(separator: "/") }
    var shell = Tool("sh", ["-c", script, "sh"] + names, in: place)
    shell.environment = Git.tool([], in: place).environment
    var cage = cage
    if let limits = cage?.limits { cage?.limits.time = min(limits.time, Self.patience) }
    let answer = try await (cage?.wrap(shell, in: place) ?? shell).run()
    guard answer.status.isSuccess else {
      throw ToolError.failed(shell.name, status: answer.status, output: String(answer.errors.suffix(2000)))
    }
  }

  private func read(_ mail: RawMail) throws -> ReadMail {
    if mail.has("failed") {
      throw IntakeError.noPatch(
        file: mail.fullLabel,
        reason: "git cannot read it as a mail (\(mail.text("said").firstLine ?? "no reason given"))")
    }
    var result = ReadMail(diff: mail.part("diff"))
    var (name, address) = ("", "")
    for line in mail.text("info").split(separator: "\n") {
      if line.hasPrefix("Subject: ") { result.subject = bounded(line.dropFirst(9), Self.longestLine) }
      if line.hasPrefix("Author: ") { name = String(line.dropFirst(8)) }
      if line.hasPrefix("Email: ") { address = String(line.dropFirst(7)) }
    }
    result.author = bounded(address.isEmpty ? name : "\(name) <\(address)>", Self.longestLine)
    result.body = bounded(mail.text("body"), Self.longestBody)
    result.message = bounded(result.body, Self.longestMessage)
    result.trailers = MailTrailers.read(own: mail.text("trailers"), all: mail.text("b4.trailers"))
    if mail.has("unclear") {
      let reason = mail.text("error").firstLine ?? ""
      // A cover letter has a diffstat but no diff. git reports that, and it is not an error.
      if reason.contains("No valid patches in input") || reason.contains("unrecognized input") { return result }
      let isFlowed = mail.headers["content-type"]?.lowercased().contains("format=flowed") == true
      let cause = isFlowed ? "; it was sent as format=flowed, which loses spaces" : ""
      throw IntakeError.noPatch(file: mail.fullLabel, reason: "git cannot read its diff (\(reason)\(cause))")
    }
    result.paths = Self.paths(mail.text("new"))
    result.paths += Self.paths(mail.text("old")).filter { !result.paths.contains($0) }
    // A path that leaves the tree is rejected here, before anything is applied (`git apply` would reject it again).
    for path in result.paths where DiffPaths.leavesTree(path) {
      throw IntakeError.leavesTree(file: mail.fullLabel, path: path)
    }
    return result
  }

  private static func paths(_ numstat: String) -> [String] {
    numstat.split(separator: "\0").compactMap { field in
      field.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).last.map(String.init)
    }
  }

  /// The time limit for a chunk; a few seconds are already long.
  private static let patience = Duration.seconds(120)
  /// In Unicode scalars. Nobody reads more than this in a record or a report.
  private static let longestLine = 500
  private static let longestBody = 100_000
  private static let longestMessage = 10_000

  private func bounded(_ text: some StringProtocol, _ most: Int) -> String {
    let scalars = text.unicodeScalars
    guard scalars.dropFirst(most).first != nil else { return String(text) }
    return String(String.UnicodeScalarView(scalars.prefix(most))) + "…"
  }
}

extension RawMail {
  /// A file that was made of the mail.
  func part(_ name: String) -> FilePath { FilePath("\(file.string).\(name)") }

  fileprivate func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: part(name).string) }

  fileprivate func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: part(name).string) ?? Data(), as: UTF8.self)
  }
}
