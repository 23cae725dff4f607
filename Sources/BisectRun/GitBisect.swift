// SPDX-License-Identifier: Apache-2.0

import Foundation
import SeriesIntake
import SystemPackage
import Toolbox

/// git did not do what a bisection needs. Harness failure.
public struct GitBisectFailed: Error, Sendable, Hashable, CustomStringConvertible {
  public var words: String
  public var description: String { "git cannot bisect: \(words)" }
}

/// `git bisect` in a bare repository of its own, which borrows the objects of the user's and has none of its references,
/// configuration or hooks. It decides which commit is tried next. Nothing is ever checked out.
struct GitBisect: Sendable {
  /// What git says after an answer.
  enum State: Sendable, Hashable {
    /// This commit is to be tried next.
    case next(String)
    case firstBad(String)
    /// Those that are left had to be skipped.
    case suspects([String])
    /// Where the histories part it is as bad, so it was fixed on the way to the good revision.
    case fixedSince(String)
  }

  private let repository: GitRepository
  private let place: FilePath
  private let cage: Cage?

  /// Makes the repository anew.
  /// - Parameters:
  ///   - source: the user's repository.
  ///   - path: an absolute path. What is there is removed.
  /// - Throws: ``GitBisectFailed``, ``ToolError``, and file system errors.
  init(borrowing source: GitRepository, at path: FilePath, cage: Cage?) async throws {
    let manager = FileManager.default
    if manager.fileExists(atPath: path.string) { try manager.removeItem(atPath: path.string) }
    try manager.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    _ = try await Git.tool(["init", "--quiet", "--bare", "--template=", path.string], in: path).output()
    let info = path.pushing("objects/info")
    try manager.createDirectory(atPath: info.string, withIntermediateDirectories: true)
    try Data("\(source.objects)\n".utf8).write(to: URL(filePath: info.appending("alternates").string))
    // git would otherwise miss the parents of the first commits of a shallow clone.
    if manager.fileExists(atPath: source.shallow.string) {
      try manager.copyItem(atPath: source.shallow.string, toPath: path.appending("shallow").string)
    }
    guard let own = GitRepository(path) else { throw GitBisectFailed(words: "\(path) is no repository") }
    repository = own
    place = path
    self.cage = cage
  }

  /// - Parameters:
  ///   - bad: an object name; so is `good`.
  func start(bad: String, good: String) async throws -> State {
    // git asks for a HEAD, which it never moves here.
    _ = try await run(["update-ref", "--no-deref", "HEAD", bad])
    return try await state(after: ["bisect", "start", "--no-checkout", bad, good])
  }

  func mark(_ commit: String, _ answer: BisectStep.Answer) async throws -> State {
    try await state(after: ["bisect", answer.rawValue, commit])
  }

  /// How many commits may still be the first bad one.
  func left() async throws -> Int {
    let vars = try await run(["rev-list", "--bisect-vars", "--bisect"]).output
    return Self.variable("bisect_all", in: vars) ?? 0
  }

  /// What was answered so far, for `git bisect replay` in the user's work tree.
  func log() async throws -> String {
    try await run(["bisect", "log"]).output.replacing("git bisect start '--no-checkout' ", with: "git bisect start ")
  }

  private func state(after words: [String]) async throws -> State {
    let answer = try await repository.git(words, in: place, cage).run()
    if let state = Self.ended(answer.output + answer.errors) { return state }
    guard answer.status.isSuccess,
      let next = try await repository.ask(["rev-parse", "--verify", "--quiet", "BISECT_HEAD"], in: place, cage)
    else { throw failure(words, answer) }
    return .next(next)
  }

  private func run(_ words: [String]) async throws -> ToolResult {
    let answer = try await repository.git(words, in: place, cage).run()
    guard answer.status.isSuccess else { throw failure(words, answer) }
    return answer
  }

  private func failure(_ words: [String], _ answer: ToolResult) -> GitBisectFailed {
    let said = (answer.errors + answer.output).split(separator: "\n").first.map(String.init) ?? answer.status.words
    return GitBisectFailed(words: "`git \(words.joined(separator: " "))`: \(said)")
  }

  /// Reads what git prints at the end.
  /// - Returns: `nil` if there is more to try.
  static func ended(_ text: String) -> State? {
    let lines = text.split(separator: "\n").map(String.init)
    for line in lines {
      if let match = line.wholeMatch(of: /([0-9a-f]{40,64}) is the first bad commit/) {
        return .firstBad(String(match.output.1))
      }
      if let match = line.wholeMatch(of: /The merge base ([0-9a-f]{40,64}) is bad\./) {
        return .fixedSince(String(match.output.1))
      }
    }
    guard lines.contains("We cannot bisect more!") else { return nil }
    return .suspects(lines.filter { $0.wholeMatch(of: /[0-9a-f]{40,64}/) != nil })
  }

  /// Reads a line such as `bisect_all=7`.
  static func variable(_ name: String, in text: String) -> Int? {
    text.split(separator: "\n").lazy.compactMap { line in
      line.hasPrefix("\(name)=") ? Int(line.dropFirst(name.count + 1)) : nil
    }.first
  }
}
