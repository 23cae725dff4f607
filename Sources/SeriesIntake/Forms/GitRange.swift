// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// Commits of a git repository: `~/src/linux:v3..topic`.
struct GitRange: SeriesForm {
  let words: String? = "REPOSITORY:BASE..TOPIC"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    if argument.isDirectory {
      guard GitRepository(argument.path) != nil, try !Self.keepsPatches(argument.path) else { return nil }
      throw .noRange(argument.text)
    }
    guard argument.kind == .nothing else { return nil }
    // A path may have a colon, and so may a commit (`:/text`).
    for colon in argument.text.indices where argument.text[colon] == ":" && colon > argument.text.startIndex {
      guard let repository = GitRepository(FilePath(String(argument.text[..<colon]))) else { continue }
      let range = String(argument.text[argument.text.index(after: colon)...])
      return [try GitSeries(argument, repository, range)]
    }
    if Self.isBare(argument.text) { throw .bareRange(argument.text) }
    return nil
  }

  /// Whether a text can only be a range of commits: `v6.12..topic`, but not `../series`, a link or a Message-ID.
  private static func isBare(_ text: String) -> Bool {
    let ends = text.components(separatedBy: "..")
    return ends.count == 2 && !ends[0].isEmpty && !ends[0].hasSuffix("/") && !ends[1].hasPrefix("/")
      && !ends[0].hasPrefix("/") && !ends[0].hasPrefix(".") && !text.contains { ":@#".contains($0) || $0.isWhitespace }
  }

  /// Whether a work tree has a series in its files: some keep their patches in git.
  private static func keepsPatches(_ path: FilePath) throws(IntakeError) -> Bool {
    guard SeriesArgument(path.appending(".git").string).kind != .nothing else { return false }
    let files = try DirectoryEntries(path).files
    let starts = ["From ", "From: ", "Subject: ", "diff ", "--- ", "Index: "].map { Array($0.utf8) }
    return files.isEmpty
      || files.contains { name in
        guard case .file(let head) = SeriesArgument(path.appending(name).string).kind else { return false }
        return Packing(head) != nil || starts.contains { head.starts(with: $0) }
      }
  }
}

/// The commits of one range, by way of `git format-patch`.
struct GitSeries: SeriesSource {
  var name: String
  let path: FilePath
  private let repository: GitRepository
  /// The last commit before the series; `nil` if the range names only a branch or a tag.
  private let base: String?
  private let topic: String

  var firstFile: String { topic }

  init(_ argument: SeriesArgument, _ repository: GitRepository, _ range: String) throws(IntakeError) {
    let ends = range.components(separatedBy: "..")
    let isPlain = ends.count <= 2 && ends.allSatisfy { !$0.hasPrefix("-") && !$0.hasPrefix(".") && !$0.hasPrefix("^") }
    guard isPlain, ends.count == 1 ? !range.isEmpty : !ends[0].isEmpty else {
      throw .badRange(argument.text, reason: "the range is not BASE..TOPIC")
    }
    self.repository = repository
    path = argument.path
    base = ends.count == 2 ? ends[0] : nil
    topic = ends.last!.isEmpty ? "HEAD" : ends.last!
    name = SeriesName.safe(topic == "HEAD" ? URL(filePath: repository.path.absolute.string).lastPathComponent : topic)
  }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute.appending("git")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    let last = try await commit(topic, in: place, cage)
    let first =
      if let base { try await commit(base, in: place, cage) } else { try await foundBase(last, in: place, cage) }
    var (files, notes) = try await CommitMails(repository: repository, path: path).write(
      ["\(first)..\(last)"], in: place, cage)
    if base == nil { notes.insert("the base is \(first.prefix(12)), the branch's upstream or the last release", at: 0) }
    var read = try await MailSeries(name: name, path: path, files: files, isOrdered: true, notes: notes)
      .read(into: store, cage: cage)
    read.series.origin?.version = nil
    read.series.origin?.baseCommit = try await repository.ask(["merge-base", first, last], in: place, cage)
    return read
  }

  private func commit(_ name: String, in place: FilePath, _ cage: Cage?) async throws -> String {
    let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", "\(name)^{commit}"]
    guard let commit = try await repository.ask(words, in: place, cage) else {
      throw IntakeError.badRange(path.string, reason: "\(name) is not a commit there")
    }
    return commit
  }

  /// Returns the commit that a branch or a tag begins at: its upstream, or else the release before it.
  private func foundBase(_ last: String, in place: FilePath, _ cage: Cage?) async throws -> String {
    let upstream = ["rev-parse", "--verify", "--quiet", "--end-of-options", "\(topic)@{upstream}"]
    if let base = try await repository.ask(upstream, in: place, cage) { return base }
    // The topic may be a tag itself.
    let release = ["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "\(last)^"]
    guard let tag = try await repository.ask(release, in: place, cage) else {
      throw IntakeError.badRange(path.string, reason: "\(topic) has no upstream, and no release is before it")
    }
    return try await commit(tag, in: place, cage)
  }
}

/// Writes commits as mails.
struct CommitMails {
  var repository: GitRepository
  /// What the user named.
  var path: FilePath

  /// - Parameters:
  ///   - range: as for `git rev-list`, of object names and names that were checked.
  ///   - place: a directory for this only.
  /// - Returns: the mails in order, and what a reader should know.
  func write(
    _ range: [String], in place: FilePath, _ cage: Cage?
  ) async throws -> (files: [MailFile], notes: [String]) {
    let most = MailSeries.mostPatches
    let count = try await repository.ask(
      ["rev-list", "--count", "--max-count=\(most + 1)", "--no-merges"] + range, in: place, cage)
    guard let count = count.flatMap({ Int($0) }) else {
      throw IntakeError.badRange(path.string, reason: "git cannot list its commits")
    }
    if count == 0 { throw IntakeError.badRange(path.string, reason: "no commits in it") }
    if count > most { throw IntakeError.tooMuch(path.string, "more than \(most) commits") }
    let merges = try await repository.ask(["rev-list", "--count", "--merges"] + range, in: place, cage)
    let out = place.appending("mails")
    // The repository's configuration must not change how mails look.
    let options = [
      "--no-cover-letter", "--no-base", "--no-attach", "--no-thread", "--no-signature", "--no-color", "--notes",
      "--src-prefix=a/", "--dst-prefix=b/", "--suffix=.patch", "-U3", "--ignore-submodules=none", "--no-relative", "-M",
      "-o", out.string,
    ]
    let answer = try await repository.git(["format-patch"] + options + range, in: place, cage).run()
    guard answer.status.isSuccess else {
      throw IntakeError.badRange(path.string, reason: answer.errors.firstLine ?? answer.status.words)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: out.string).sorted { $0.precedes($1) }
    // git writes an empty file for a commit that changes nothing, such as the one that b4 keeps a cover letter in.
    let full = names.filter { SeriesArgument(out.appending($0).string).kind != .file(head: []) }
    var notes = merges == "0" ? [] : ["merges in the range, which are left out: \(merges ?? "unknown")"]
    if full.count < names.count {
      notes.append("commits without a change, which are left out: \(names.count - full.count)")
    }
    if full.isEmpty { throw IntakeError.badRange(path.string, reason: "its commits change nothing") }
    return (full.map { MailFile(out.appending($0), shown: "\(path): \($0)") }, notes)
  }
}
