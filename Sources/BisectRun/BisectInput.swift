// SPDX-License-Identifier: Apache-2.0

import Foundation
import SeriesIntake
public import SystemPackage
public import Toolbox

/// Two revisions between which nothing can be bisected. User error.
public enum BisectInput: Error, Sendable, Hashable, CustomStringConvertible {
  case noRepository(String)
  case noCommit(name: String, repository: String)
  case same(good: String, bad: String, commit: String)
  /// The bad revision leads to the good one.
  case reversed(good: String, bad: String)
  case unrelated(good: String, bad: String)

  public var description: String {
    switch self {
    case .noRepository(let path): "\(path) is not a git repository"
    case .noCommit(let name, let repository): "“\(name)” is not a commit of \(repository)"
    case .same(let good, let bad, let commit):
      "\(good) and \(bad) are the same commit, \(commit.prefix(12)), so nothing got worse between them"
    case .reversed(let good, let bad): "\(bad) comes before \(good), so no commit between them can make it worse"
    case .unrelated(let good, let bad): "\(good) and \(bad) have no commit in common"
    }
  }

  /// What to do about it.
  public var advice: String {
    switch self {
    case .noRepository: "name a git work tree with --tree; `git bisect` needs its history"
    case .noCommit(_, let repository):
      "name a commit, a tag or a branch: `\(Tool("git", ["-C", repository, "log", "--oneline", "--all"]).commandLine)`"
    case .same: "name two different commits with --good and --bad"
    case .reversed: "exchange --good and --bad; what got better is not bisected"
    case .unrelated: "name revisions of one history with --good and --bad"
    }
  }
}

extension BisectRange {
  /// Finds the commits that revisions name, and what is between them.
  /// - Parameters:
  ///   - repository: a git work tree or repository.
  ///   - good: any words of the user's. They are never taken for an option of git's; so is `bad`.
  ///   - scratch: a directory for this only.
  /// - Throws: ``BisectInput``; ``ToolError`` if git cannot be run.
  public static func find(
    good: String, bad: String, in repository: FilePath, scratch: FilePath, cage: Cage?
  ) async throws -> BisectRange {
    let path = repository.absolute.lexicallyNormalized()
    guard let git = GitRepository(path) else { throw BisectInput.noRepository(path.string) }
    let reader = CommitReader(repository: git, place: scratch.absolute, cage: cage)
    let first = try await reader.revision(good)
    let last = try await reader.revision(bad)
    let ends = [first.commit.name, last.commit.name]
    if ends[0] == ends[1] { throw BisectInput.same(good: good, bad: bad, commit: ends[0]) }
    let bases = try await reader.ask(["merge-base", "--all"] + ends) ?? ""
    let parted = bases.split(separator: "\n").map(String.init)
    if parted.isEmpty { throw BisectInput.unrelated(good: good, bad: bad) }
    if parted == [ends[1]] { throw BisectInput.reversed(good: good, bad: bad) }
    let vars = try await reader.ask(["rev-list", "--bisect-vars", ends[1], "^\(ends[0])"]) ?? ""
    // git counts the steps after the next one.
    let steps = GitBisect.variable("bisect_steps", in: vars) ?? 0
    let commits = GitBisect.variable("bisect_all", in: vars) ?? 0
    return BisectRange(
      repository: path.string, good: first, bad: last, commits: commits, expected: commits > 1 ? steps + 1 : 0,
      parted: parted == [ends[0]] ? [] : parted)
  }
}

/// Reads commits of a repository.
struct CommitReader: Sendable {
  var repository: GitRepository
  /// A directory to run git in.
  var place: FilePath
  var cage: Cage?

  func ask(_ words: [String]) async throws -> String? { try await repository.ask(words, in: place, cage) }

  func revision(_ name: String) async throws -> BisectRange.Revision {
    let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", "\(name)^{commit}"]
    guard let found = try await ask(words) else {
      throw BisectInput.noCommit(name: name, repository: repository.path.string)
    }
    return BisectRange.Revision(name: name, commit: try await commit(found))
  }

  /// - Parameter name: an object name.
  func commit(_ name: String) async throws -> BisectCommit {
    let format = "--format=%H%x00%P%x00%an <%ae>%x00%as%x00%s"
    let words = ["log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", format, name]
    let fields = (try await ask(words) ?? "").split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 5 else { throw GitBisectFailed(words: "it cannot read the commit \(name)") }
    return BisectCommit(
      name: fields[0], subject: fields[4], author: fields[2], date: fields[3],
      parents: fields[1].split(separator: " ").map(String.init))
  }

  /// Returns the object name of a commit's files; `nil` if git cannot read it.
  func tree(of name: String) async throws -> String? {
    try await ask(["rev-parse", "--verify", "--quiet", "\(name)^{tree}"])
  }
}
