// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import BisectRun
@testable import SeriesIntake

/// A small repository: `good`, four commits, `bad`, and a branch beside them.
private struct SmallHistory {
  let scratch: Scratch
  let path: FilePath

  /// - Parameter names: the tags of the commits, in order.
  init(_ names: [String] = ["good", "c1", "c2", "c3", "c4", "bad"]) async throws {
    scratch = try Scratch()
    path = scratch.path.appending("tree")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    try await git("init", "-q", "-b", "main")
    for name in names { try await commit(name) }
  }

  @discardableResult func git(_ words: String...) async throws -> String {
    let author = ["-c", "user.name=A U Thor", "-c", "user.email=a@example.org"]
    var git = Git.tool(author + words, in: path)
    git.environment["GIT_AUTHOR_DATE"] = "2026-11-02T10:00:00Z"
    return try await git.output().trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func commit(_ name: String) async throws {
    try scratch.write("tree/a.c", "int \(name);\n")
    try await git("add", "-A")
    try await git("commit", "-q", "-m", "a: Make it \(name)")
    try await git("tag", name)
  }

  func name(_ revision: String) async throws -> String { try await git("rev-parse", "\(revision)^{commit}") }

  func range(_ good: String, _ bad: String) async throws -> BisectRange {
    let place = scratch.path.appending("range")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    return try await BisectRange.find(good: good, bad: bad, in: path, scratch: place, cage: Self.cage())
  }

  func bisect() async throws -> GitBisect {
    let repository = try #require(GitRepository(path))
    return try await GitBisect(borrowing: repository, at: scratch.path.appending("git"), cage: Self.cage())
  }

  static func cage() async throws -> Cage {
    try await Cage.find(ToolLimits(time: .seconds(60), memory: 2 << 30, processes: 100, disk: 1 << 30))
  }

  /// Bisects, with the answers of a table; by tag.
  func run(_ good: String, _ bad: String, _ answers: [String: BisectStep.Answer]) async throws -> (
    tried: [String], end: GitBisect.State, log: String
  ) {
    let bisect = try await bisect()
    var tried: [String] = []
    var state = try await bisect.start(bad: name(bad), good: name(good))
    while case .next(let commit) = state {
      let tag = try await git("tag", "--points-at", commit)
      tried.append(tag)
      state = try await bisect.mark(commit, try #require(answers[tag], "\(tag)"))
    }
    return (tried, state, try await bisect.log())
  }
}

@Suite struct GitBisectTests {
  @Test func theFirstBadCommitIsFound() async throws {
    let history = try await SmallHistory()
    let (tried, end, log) = try await history.run(
      "good", "bad", ["c1": .good, "c2": .good, "c3": .bad, "c4": .bad])
    #expect(end == .firstBad(try await history.name("c3")))
    #expect((2...3).contains(tried.count), "\(tried)")
    // The log is git's own, for the user's tree.
    #expect(log.contains("git bisect start '\(try await history.name("bad"))'"))
    #expect(!log.contains("--no-checkout"))
    #expect(log.hasSuffix("# first bad commit: [\(try await history.name("c3"))] a: Make it c3\n"))
    // Nothing of it is in the user's repository.
    #expect(try await history.git("for-each-ref", "refs/bisect") == "")
    #expect(try await history.git("status", "--porcelain") == "")
  }

  @Test func whatHadToBeSkippedLeavesSuspects() async throws {
    let history = try await SmallHistory()
    let (_, end, _) = try await history.run("good", "bad", ["c1": .good, "c2": .skip, "c3": .skip, "c4": .bad])
    guard case .suspects(let names) = end else {
      Issue.record("\(end)")
      return
    }
    var expected: Set<String> = []
    for tag in ["c2", "c3", "c4"] { expected.insert(try await history.name(tag)) }
    #expect(Set(names) == expected)
  }

  @Test func aSingleCommitIsKnownAtOnce() async throws {
    let history = try await SmallHistory(["good", "bad"])
    let (tried, end, _) = try await history.run("good", "bad", [:])
    #expect(tried == [])
    #expect(end == .firstBad(try await history.name("bad")))
  }

  @Test func whereHistoriesPartIsTriedFirst() async throws {
    let history = try await SmallHistory(["parted", "c1", "bad"])
    try await history.git("checkout", "-q", "-b", "fix", "parted")
    try await history.commit("good")
    let range = try await history.range("good", "bad")
    #expect(range.parted == [try await history.name("parted")])
    let bad = try await history.run("good", "bad", ["parted": .bad])
    #expect(bad.end == .fixedSince(try await history.name("parted")))
    let good = try await history.run("good", "bad", ["parted": .good, "c1": .good])
    #expect(good.tried == ["parted", "c1"])
    #expect(good.end == .firstBad(try await history.name("bad")))
  }

  @Test func aShallowCloneIsNoObstacle() async throws {
    let history = try await SmallHistory(["older", "good", "c1", "c2", "bad"])
    let shallow = history.scratch.path.appending("shallow")
    _ = try await Git.tool(["clone", "-q", "--depth=4", "file://\(history.path)", shallow.string]).output()
    let repository = try #require(GitRepository(shallow))
    let bisect = try await GitBisect(
      borrowing: repository, at: history.scratch.path.appending("git"), cage: SmallHistory.cage())
    let state = try await bisect.start(bad: history.name("bad"), good: history.name("good"))
    guard case .next = state else {
      Issue.record("\(state)")
      return
    }
    #expect(try await bisect.left() == 3)
  }

  // MARK: - The range

  @Test func aRangeIsDescribed() async throws {
    let history = try await SmallHistory()
    let range = try await history.range("good", "main")
    #expect(range.good.commit.subject == "a: Make it good")
    #expect(range.good.commit.author == "A U Thor <a@example.org>")
    #expect(range.good.commit.date == "2026-11-02")
    #expect(range.bad.words == "main (\(try await history.name("bad").prefix(12)))")
    #expect((range.commits, range.expected) == (5, 2))
    #expect(range.parted == [])
    #expect(BisectText.head(range).hasSuffix(": 5 commits to search, about 2 steps"))
    #expect(BisectText.parted(range) == nil)
  }

  @Test(
    "revisions between which nothing can be bisected",
    arguments: [
      ("nothing", "bad", "“nothing” is not a commit of"), ("good", "--help", "“--help” is not a commit of"),
      ("--output=x", "bad", "“--output=x” is not a commit of"), ("", "bad", "“” is not a commit of"),
      ("good", "good^{tree}", "“good^{tree}” is not a commit of"), ("good", "good~0", "are the same commit"),
      ("bad", "good", "good comes before bad"), ("good", "elsewhere", "have no commit in common"),
    ])
  func unusable(good: String, bad: String, words: String) async throws {
    let history = try await SmallHistory()
    try await history.git("checkout", "-q", "--orphan", "other")
    try await history.commit("elsewhere")
    let error = await #expect(throws: BisectInput.self) { _ = try await history.range(good, bad) }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    #expect(error?.advice.isEmpty == false)
  }

  @Test func aDirectoryWithoutGitIsRefused() async throws {
    let scratch = try Scratch()
    await #expect(throws: BisectInput.noRepository(scratch.path.string)) {
      _ = try await BisectRange.find(good: "a", bad: "b", in: scratch.path, scratch: scratch.path, cage: nil)
    }
  }

  // MARK: - The difference

  /// Whether the sandbox is there or not, nothing that the tree configures is run.
  @Test(arguments: [true, false]) func nothingOfTheTreeIsRun(_ isCaged: Bool) async throws {
    let history = try await SmallHistory()
    let mark = history.scratch.path.appending("ran")
    let script = try history.scratch.write("evil", "#!/bin/sh\n/usr/bin/touch \(mark)\n/bin/cat \"$1\"\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.string)
    try history.scratch.write("tree/.gitattributes", "*.c diff=evil filter=evil\n")
    try await history.git("add", ".gitattributes")
    try await history.git("commit", "-q", "-m", "attributes")
    try history.scratch.write("tree/.git/info/attributes", "* diff=evil\n")
    for key in [
      "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge",
      "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "uploadpack.packObjectsHook", "gpg.program",
    ] {
      try await history.git("config", key, script.string)
    }
    try await history.git("config", "log.showSignature", "true")
    let hooks = history.path.pushing(".git/hooks")
    try FileManager.default.createDirectory(atPath: hooks.string, withIntermediateDirectories: true)
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
      try FileManager.default.copyItem(atPath: script.string, toPath: hooks.appending(hook).string)
    }
    let cage = isCaged ? try await SmallHistory.cage() : nil
    let place = history.scratch.path.appending("place")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let range = try await BisectRange.find(good: "good", bad: "main", in: history.path, scratch: place, cage: cage)
    let repository = try #require(GitRepository(history.path))
    let bisect = try await GitBisect(
      borrowing: repository, at: history.scratch.path.appending("git"), cage: cage)
    var state = try await bisect.start(bad: range.bad.commit.name, good: range.good.commit.name)
    while case .next(let commit) = state { state = try await bisect.mark(commit, .bad) }
    let series = RevisionSeries(
      "s", in: repository, from: range.good.commit.name, to: range.bad.commit.name, subject: "all")
    let read = try await series.read(into: history.scratch.path.appending("series"), cage: cage)
    #expect(read.series.patches.map(\.paths) == [[".gitattributes", "a.c"]])
    let diff = try String(contentsOfFile: read.diffs[0].string, encoding: .utf8)
    #expect(diff.contains("-int good;\n+int bad;\n"))
    #expect(!FileManager.default.fileExists(atPath: mark.string))
  }

  @Test("a difference leads to the same files, whatever is in them")
  func whole() async throws {
    let history = try await SmallHistory(["good"])
    try history.scratch.write("tree/crlf.txt", "one\r\ntwo\r\n")
    try history.scratch.write("tree/gone.c", "int gone;\n")
    try history.scratch.write("tree/ü ü.c", "int named;\n")
    try await history.commit("base")
    try history.scratch.write("tree/crlf.txt", "one\r\nthree\r\nFrom here on\n")
    try Data([0, 1, 0xff, 0x0a, 0]).write(to: URL(filePath: history.path.appending("binary").string))
    try Data([0x2f, 0xe9, 0x0a]).write(to: URL(filePath: history.path.appending("latin1.c").string))
    try FileManager.default.moveItem(
      atPath: history.path.appending("ü ü.c").string, toPath: history.path.appending("moved.c").string)
    try FileManager.default.removeItem(atPath: history.path.appending("gone.c").string)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: history.path.appending("a.c").string)
    try await history.commit("last")
    let repository = try #require(GitRepository(history.path))
    let (base, last) = (try await history.name("base"), try await history.name("last"))
    let series = RevisionSeries("s", in: repository, from: base, to: last, subject: "all")
    let read = try await series.read(
      into: history.scratch.path.appending("series"), cage: try await SmallHistory.cage())
    #expect(
      Set(read.series.patches[0].paths) == ["a.c", "binary", "crlf.txt", "gone.c", "latin1.c", "moved.c", "ü ü.c"])
    try await history.git("checkout", "-q", "base")
    try await history.git("apply", "--index", "--whitespace=nowarn", read.diffs[0].string)
    #expect(try await history.git("write-tree") == history.git("rev-parse", "last^{tree}"))
    await #expect(throws: IntakeError.self) {
      let same = RevisionSeries("t", in: repository, from: base, to: base, subject: "nothing")
      _ = try await same.read(into: history.scratch.path.appending("none"), cage: nil)
    }
  }
}
