// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import SystemPackage
import Toolbox

/// A series in files of mails: each file is one mail, a bare diff, or an mbox.
struct MailSeries: SeriesSource {
  let name: String
  let path: FilePath
  /// The directory of the files.
  let directory: FilePath
  /// File names in ``directory``, in the order in which the mails apply.
  let files: [String]

  var firstFile: String { files.first ?? name }

  /// Reads the mails with git's own tools, so that encodings, mbox quoting and in-body headers are interpreted as by
  /// `git am`.
  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let manager = FileManager.default
    var cage = cage
    if let limits = cage?.limits { cage?.limits.time = min(limits.time, Self.patience) }
    var result = ReadSeries(series: PatchSeries(name: name, patches: [], path: path.string), diffs: [])
    // git works in another directory, so paths must be valid there too.
    let root = directory.absolute
    for file in files {
      let mailbox = root.appending(file)
      // One directory per file: git numbers the mails of each file from 1 and would overwrite others.
      let mails = store.appending("mails")
      try manager.createDirectory(atPath: mails.string, withIntermediateDirectories: true)
      defer { try? manager.removeItem(atPath: mails.string) }
      let mailCount = try await split(mailbox, into: mails, cage)
      for number in 1...mailCount {
        let label = number == 1 ? file : "\(file)#\(number)"
        let diff = store.appending(ReadSeries.diffName(result.diffs.count + 1))
        let mail = try await Mail.read(
          mails.appending(paddedNumber(number)), label: directory.appending(label).string, diff: diff, cage)
        if mail.paths.isEmpty {
          try? manager.removeItem(atPath: diff.string)
          guard result.series.cover == nil, result.series.patches.isEmpty, !mail.subject.isEmpty else {
            throw IntakeError.noPatch(file: directory.appending(label).string, reason: "git finds no patch in it")
          }
          result.series.cover = CoverLetter(subject: mail.subject, body: mail.body)
        } else {
          let subject = mail.subject.isEmpty ? label : mail.subject
          result.series.patches.append(
            Patch(subject: subject, author: mail.author, file: label, paths: mail.paths))
          result.diffs.append(diff)
          if result.diffs.count > Self.mostPatches {
            throw IntakeError.tooMuch(path.string, "more than \(Self.mostPatches) patches")
          }
        }
      }
    }
    if result.diffs.isEmpty { throw IntakeError.empty(path.string) }
    return result
  }

  /// Splits one file into mails named 0001, 0002, … and returns their number.
  private func split(_ path: FilePath, into mails: FilePath, _ cage: Cage?) async throws -> Int {
    var status = stat()
    guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw IntakeError.noPatch(file: path.string, reason: "it is not a file")
    }
    if status.st_size > Self.largestFile {
      throw IntakeError.tooMuch(path.string, "more than \(Self.largestFile >> 20) MiB")
    }
    // -b: a file that does not begin with mbox's From line is one mail, or one bare diff.
    let git = Git.tool(["mailsplit", "-b", "-o\(mails.string)", "--", path.string])
    let answer = try await (cage?.wrap(git, in: mails, reading: [path]) ?? git).run()
    guard answer.status.isSuccess, let count = Int(answer.output.trimmingCharacters(in: .whitespacesAndNewlines)),
      count > 0
    else {
      throw IntakeError.noPatch(
        file: path.string, reason: "git finds no mail in it (\(answer.errors.firstLine ?? answer.status.words))")
    }
    if count > Self.mostMails { throw IntakeError.tooMuch(path.string, "\(count) mails") }
    return count
  }

  /// The time limit for one mail; a second is already long.
  private static let patience = Duration.seconds(120)
  /// The longest series ever sent to a list has a few hundred patches.
  private static let mostPatches = 1000
  /// Per file, including cover letters.
  private static let mostMails = 2000
  /// Bytes. A whole series with everything renamed has about ten million.
  private static let largestFile = 64 << 20
}

/// One mail, as parsed by `git mailinfo`.
private struct Mail {
  var subject = ""
  var author = ""
  var body = ""
  /// The paths that its diff changes; empty for a cover letter.
  var paths: [String] = []

  static func read(_ file: FilePath, label: String, diff: FilePath, _ cage: Cage?) async throws -> Mail {
    let bytes = try Data(contentsOf: URL(filePath: file.string))
    let message = FilePath(diff.string + ".message")
    defer { try? FileManager.default.removeItem(atPath: message.string) }
    let git = Git.tool(["mailinfo", "--no-scissors", message.string, diff.string])
    let info = try await (cage?.wrap(git, in: diff.removingLastComponent()) ?? git).run(input: Array(bytes))
    guard info.status.isSuccess else {
      throw IntakeError.noPatch(
        file: label, reason: "git cannot read it as a mail (\(info.errors.firstLine ?? info.status.words))")
    }
    var mail = Mail()
    var name = ""
    var address = ""
    for line in info.output.split(separator: "\n") {
      if line.hasPrefix("Subject: ") { mail.subject = bounded(line.dropFirst(9), longestLine) }
      if line.hasPrefix("Author: ") { name = String(line.dropFirst(8)) }
      if line.hasPrefix("Email: ") { address = String(line.dropFirst(7)) }
    }
    mail.author = bounded(address.isEmpty ? name : "\(name) <\(address)>", longestLine)
    mail.body = bounded((try? String(contentsOf: URL(filePath: message.string), encoding: .utf8)) ?? "", longestBody)
    mail.paths = try await changedPaths(diff, label: label, cage)
    return mail
  }

  /// In Unicode scalars. Nobody reads more than this in a record or a report.
  private static let longestLine = 500
  private static let longestBody = 100_000

  private static func bounded(_ text: some StringProtocol, _ most: Int) -> String {
    let scalars = text.unicodeScalars
    guard scalars.dropFirst(most).first != nil else { return String(text) }
    return String(String.UnicodeScalarView(scalars.prefix(most))) + "…"
  }

  /// Returns the paths that the diff changes, according to git, including the old paths of moved files. A path that
  /// leaves the tree is rejected here, before anything is applied (`git apply` would reject it again).
  private static func changedPaths(_ diff: FilePath, label: String, _ cage: Cage?) async throws -> [String] {
    var paths = try await newPaths([], diff, label: label, cage)
    if paths.isEmpty { return [] }
    // For a rename, git lists only the new name; in reverse, that is the old one. Otherwise a source file moved to
    // Documentation/ would look like a documentation change.
    let backwards = try await newPaths(["--reverse"], diff, label: label, cage)
    paths += backwards.filter { !paths.contains($0) }
    for path in paths {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      if path.hasPrefix("/") || parts.contains("..") || parts.contains(where: { $0.lowercased() == ".git" }) {
        throw IntakeError.leavesTree(file: label, path: path)
      }
    }
    return paths
  }

  private static func newPaths(
    _ options: [String], _ diff: FilePath, label: String, _ cage: Cage?
  ) async throws -> [String] {
    let place = diff.removingLastComponent()
    let git = Git.tool(["apply", "--numstat", "-z"] + options + ["--", diff.string], in: place)
    let answer = try await (cage?.wrap(git, in: place, writable: false) ?? git).run()
    guard answer.status.isSuccess else {
      let reason = answer.errors.firstLine ?? ""
      // A cover letter has a diffstat but no diff. git reports that, and it is not an error.
      if reason.contains("No valid patches in input") || reason.contains("unrecognized input") { return [] }
      throw IntakeError.noPatch(file: label, reason: "git cannot read its diff (\(reason))")
    }
    return answer.output.split(separator: "\0").compactMap { field in
      field.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).last.map(String.init)
    }
  }
}

extension String {
  fileprivate var firstLine: String? {
    split(separator: "\n").first.map { $0.hasPrefix("error: ") ? String($0.dropFirst(7)) : String($0) }
  }
}
