// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import Toolbox

/// Commits in a file that `git bundle create` wrote, and a repository that has what they are based on.
struct GitBundle: SeriesForm {
  let words: String? = "REPOSITORY:BUNDLE"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    if Self.isBundle(argument) { throw .noRepository(argument.text) }
    guard argument.kind == .nothing else { return nil }
    for colon in argument.text.indices where argument.text[colon] == ":" {
      let file = SeriesArgument(String(argument.text[argument.text.index(after: colon)...]))
      guard Self.isBundle(file), let repository = GitRepository(FilePath(String(argument.text[..<colon]))) else {
        continue
      }
      return [
        BundleSeries(
          name: SeriesName.safe(FilePath(file.lastName).stem ?? file.lastName), path: argument.path, file: file.path,
          repository: repository)
      ]
    }
    return nil
  }

  private static func isBundle(_ argument: SeriesArgument) -> Bool {
    guard case .file(let head) = argument.kind else { return false }
    return ["# v2 git bundle\n", "# v3 git bundle\n"].contains { head.starts(with: Array($0.utf8)) }
  }
}

/// The commits of one bundle.
private struct BundleSeries: SeriesSource {
  var name: String
  let path: FilePath
  let file: FilePath
  let repository: GitRepository

  var firstFile: String { file.lastComponent?.string ?? name }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute.appending("git")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place.string) }
    let header = try BundleHeader(file, path: path)
    // The bundle's objects go to a repository in scratch, which borrows the others.
    let scratch = place.appending("repository")
    let initialize = Git.tool(["init", "-q", "--bare", scratch.string], in: place)
    _ = try await (cage?.wrap(initialize, in: place) ?? initialize).output()
    try Data("\(repository.objects)\n".utf8).write(
      to: URL(filePath: scratch.pushing("objects/info/alternates").string))
    guard let borrowing = GitRepository(scratch) else {
      throw IntakeError.badRange(path.string, reason: "no repository")
    }
    for (index, commit) in header.bases.enumerated() {
      // git asks for a reference to each of them.
      guard try await borrowing.ask(["update-ref", "refs/base/\(index)", commit], in: place, cage) != nil else {
        throw IntakeError.badRange(
          path.string, reason: "the bundle is based on commit \(commit), which is not in \(repository.path)")
      }
    }
    let unbundle = borrowing.git(
      ["bundle", "unbundle", file.absolute.string], in: place, reading: [file.absolute], cage)
    let answer = try await unbundle.run()
    guard answer.status.isSuccess else {
      throw IntakeError.badRange(
        path.string, reason: "git cannot read the bundle (\(answer.errors.firstLine ?? answer.status.words))")
    }
    let (files, notes) = try await CommitMails(repository: borrowing, path: path).write(
      [header.topic] + header.bases.map { "^\($0)" }, in: place, cage)
    var read = try await MailSeries(name: name, path: path, files: files, isOrdered: true, notes: notes)
      .read(into: store, cage: cage)
    read.series.origin?.version = nil
    read.series.origin?.baseCommit = header.bases.count == 1 ? header.bases[0] : nil
    return read
  }
}

/// What a bundle has and needs.
private struct BundleHeader {
  /// The commits that its own are based on.
  var bases: [String] = []
  /// The last commit.
  var topic = ""

  init(_ file: FilePath, path: FilePath) throws {
    let head = try FileHandle(forReadingFrom: URL(filePath: file.string)).read(upToCount: Self.longest) ?? Data()
    var topics: [String: String] = [:]
    // The pack follows after an empty line.
    for line in head.split(separator: 0x0a, omittingEmptySubsequences: false).dropFirst() {
      if line.isEmpty { break }
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard let word = words.first, word.first != "@" else { continue }
      let commit = String(word.first == "-" ? word.dropFirst() : word)
      guard commit.allSatisfy(\.isHexDigit), [40, 64].contains(commit.count) else { break }
      if word.first == "-" { bases.append(commit) } else { topics[commit] = words.last.map(String.init) ?? commit }
    }
    if bases.isEmpty {
      throw IntakeError.badRange(
        path.string, reason: "the bundle has a whole history, so it is not clear where the series begins")
    }
    guard let only = topics.first, topics.count == 1 else {
      throw IntakeError.badRange(
        path.string, reason: "the bundle has several branches: \(topics.values.sorted().joined(separator: ", "))")
    }
    topic = only.key
  }

  private static let longest = 1 << 16
}
