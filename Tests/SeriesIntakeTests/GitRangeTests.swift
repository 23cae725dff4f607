// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

/// A small repository with a release and a branch of two commits.
struct SmallRepository {
  let scratch: Scratch
  let path: FilePath

  init() async throws {
    scratch = try Scratch()
    path = scratch.path.appending("tree")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    try await git("init", "-q", "-b", "main")
    try await commit("a.c", "int a;\n", "release")
    try await git("tag", "v6.12")
    try await git("checkout", "-q", "-b", "my/topic")
    try await commit("b.c", "int b;\n", "first: é")
    try await commit("a.c", "int a = 1;\n", "second")
    try await git("notes", "add", "-m", "a note")
  }

  @discardableResult func git(_ arguments: String...) async throws -> String { try await git(arguments) }

  @discardableResult func git(_ arguments: [String]) async throws -> String {
    var git = Git.tool(["-c", "user.name=A U Thor", "-c", "user.email=author@example.org"] + arguments, in: path)
    git.environment["GIT_AUTHOR_DATE"] = "2026-11-02T10:00:00Z"
    return try await git.output().trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func commit(_ file: String, _ text: String, _ subject: String) async throws {
    try Data(text.utf8).write(to: URL(filePath: path.appending(file).string))
    try await git("add", file)
    try await git("commit", "-q", "-m", subject)
  }

  func read(_ text: String) async throws -> PatchSeries {
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let source = try #require(try SeriesForms.find([text]).first)
    let out = scratch.path.appending("out")
    defer { try? FileManager.default.removeItem(atPath: out.string) }
    let read = try await source.read(into: out, cage: Cage.find(limits))
    #expect(try FileManager.default.contentsOfDirectory(atPath: out.string).count == read.diffs.count)
    return read.series
  }
}

@Suite struct GitRangeTests {
  /// b4 keeps a cover letter in such a commit.
  @Test func aCommitWithoutAChangeIsLeftOut() async throws {
    let repository = try await SmallRepository()
    try await repository.git("commit", "-q", "--allow-empty", "-m", "the cover letter")
    try await repository.commit("c.c", "int c;\n", "third")
    let series = try await repository.read("\(repository.path):v6.12..my/topic")
    #expect(series.patches.map(\.subject) == ["first: é", "second", "third"])
    #expect(series.origin?.notes == ["commits without a change, which are left out: 1"])
    try await repository.git("commit", "-q", "--allow-empty", "-m", "nothing")
    await #expect(throws: IntakeError.badRange("\(repository.path):HEAD~1..", reason: "its commits change nothing")) {
      _ = try await repository.read("\(repository.path):HEAD~1..")
    }
  }

  /// Without context, git puts a hunk by its line number alone.
  @Test func hunksHaveContextWhateverTheRepositorySays() async throws {
    let repository = try await SmallRepository()
    try await repository.commit("a.c", "int a = 1;\nint b;\n", "third")
    try await repository.git("config", "diff.context", "0")
    let source = try #require(try SeriesForms.find(["\(repository.path):HEAD~1.."]).first)
    let read = try await source.read(into: repository.scratch.path.appending("u0"), cage: nil)
    let diff = try String(contentsOf: URL(filePath: read.diffs[0].string), encoding: .utf8)
    #expect(diff.contains("\n int a = 1;\n+int b;\n"))
  }

  @Test func aRepositoryMayBeNamedOnce() async throws {
    let repository = try await SmallRepository()
    let path = repository.path.string
    let found = try SeriesForms.find(["v6.12..my/topic", "my/topic~1"], in: path)
    #expect(found.map(\.path.string) == ["\(path):v6.12..my/topic", "\(path):my/topic~1"])
    #expect(throws: IntakeError.noVersions("\(path):my/topic#v2")) { try SeriesForms.find(["\(path):my/topic#v2"]) }
  }

  @Test func aRangeIsASeries() async throws {
    let repository = try await SmallRepository()
    let base = try await repository.git("rev-parse", "v6.12")
    for range in ["v6.12..my/topic", "v6.12..", "my/topic", "\(base)..HEAD"] {
      let series = try await repository.read("\(repository.path):\(range)")
      #expect(series.patches.map(\.subject) == ["first: é", "second"])
      #expect(series.patches.map(\.author) == Array(repeating: "A U Thor <author@example.org>", count: 2))
      #expect(series.patches.map(\.paths) == [["b.c"], ["a.c"]])
      #expect(series.origin?.baseCommit == base)
      #expect(series.name == (range.hasSuffix("my/topic") ? "my-topic" : "tree"))
      #expect(series.path == "\(repository.path):\(range)")
    }
  }

  @Test func otherKindsOfRepositories() async throws {
    let repository = try await SmallRepository()
    let copies = ["bare", "shared", "linked"].map { repository.scratch.path.appending($0).string }
    try await repository.git("clone", "-q", "--bare", ".", copies[0])
    try await repository.git("clone", "-q", "--shared", ".", copies[1])
    try await repository.git("worktree", "add", "-q", "--detach", copies[2])
    for copy in copies {
      let series = try await repository.read("\(copy):v6.12..HEAD")
      #expect(series.patches.map(\.subject) == ["first: é", "second"])
    }
  }

  /// What the repository's owner configured must not change the patches.
  @Test func aConfigurationIsNotFollowed() async throws {
    let repository = try await SmallRepository()
    for (key, value) in [
      ("diff.noprefix", "true"), ("format.noprefix", "true"), ("format.attach", "true"), ("format.coverLetter", "true"),
      ("format.useAutoBase", "true"), ("format.subjectPrefix", "X"), ("diff.external", "/bin/false"),
      ("format.numbered", "false"),
    ] { try await repository.git("config", key, value) }
    let series = try await repository.read("\(repository.path):v6.12..my/topic")
    #expect(series.patches.map(\.subject) == ["first: é", "second"])
    #expect(series.patches.map(\.paths) == [["b.c"], ["a.c"]])
  }

  @Test func mergesAreLeftOut() async throws {
    let repository = try await SmallRepository()
    try await repository.git("checkout", "-q", "main")
    try await repository.commit("c.c", "int c;\n", "third")
    try await repository.git("merge", "-q", "--no-edit", "my/topic")
    let series = try await repository.read("\(repository.path):v6.12..main")
    #expect(Set(series.patches.map(\.subject)) == ["first: é", "second", "third"])
    #expect(series.origin?.notes == ["merges in the range, which are left out: 1"])
  }

  @Test(arguments: [
    ("v6.12..gone", "gone is not a commit there"), ("v6.12...main", "the range is not BASE..TOPIC"),
    ("--output=x..main", "the range is not BASE..TOPIC"), ("..main", "the range is not BASE..TOPIC"),
    ("", "the range is not BASE..TOPIC"), ("main..v6.12", "no commits in it"),
    ("v6.12", "v6.12 has no upstream, and no release is before it"),
  ]) func aRangeThatIsNoneIsRefused(_ range: String, _ reason: String) async throws {
    let repository = try await SmallRepository()
    let text = "\(repository.path):\(range)"
    await #expect(throws: IntakeError.badRange(text, reason: reason)) { _ = try await repository.read(text) }
  }

  @Test("a range is told from a path that is not there", arguments: ["v6.12..HEAD", "origin/main..topic", "v6.12.."])
  func aRangeAloneIsRefused(_ range: String) {
    #expect(throws: IntakeError.bareRange(range)) { try SeriesForms.find([range]) }
    #expect(IntakeError.bareRange(range).description.contains("`REPOSITORY:\(range)`"))
    #expect(!IntakeError.bareRange(range).description.contains("no such"))
    for path in ["../\(range)x/absent", "./absent", "/absent/../a", "absent/../a", "a b..c"] {
      #expect(throws: IntakeError.noSuchPath(path)) { try SeriesForms.find([path]) }
    }
  }

  @Test func aRepositoryAloneIsRefused() async throws {
    let repository = try await SmallRepository()
    let path = repository.path.string
    #expect(throws: IntakeError.noRange(path)) { try SeriesForms.find([path]) }
    // Some keep their patches in git.
    for name in ["0001-a.patch", "v2/0001-a.patch"] {
      let kept = try Scratch()
      try kept.write(name, mail("[PATCH] a"))
      _ = try await Git.tool(["init", "-q", kept.path.string]).output()
      #expect(try SeriesForms.find([kept.path.string]).count == 1)
    }
    #expect(throws: IntakeError.noSuchPath("/nonexistent:a..b")) { try SeriesForms.find(["/nonexistent:a..b"]) }
    #expect(throws: IntakeError.notARepository("/nonexistent")) { try SeriesForms.find(["a..b"], in: "/nonexistent") }
  }
}
