// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import Bench
@testable import SeriesIntake

/// The choice of a base among kernels that build in no time, for real series.
@Suite("The base of a run") struct ChooseBaseTests {
  private let small = try! SmallTree()
  private var home: FilePath { small.scratch.path.appending("checkout") }
  private var checkout: Checkout { Checkout(home: home, version: "test", suite: .scripted(in: home)) }

  /// Defines a kernel.
  /// - Parameter main: its main.c; `nil` is that of the small tree.
  private func define(_ name: String, main: String? = nil, profile: String = "p", git: String? = nil) throws {
    let tree = small.scratch.path.appending("\(name)-source")
    if git == nil {
      try FileManager.default.copyItem(atPath: small.scratch.path.appending("source").string, toPath: tree.string)
    }
    if let main { try small.scratch.write("\(name)-source/main.c", main) }
    let source = git.map { "git: {repository: \(tree), revision: \($0)}" } ?? "tree: \(tree)"
    try small.scratch.write(
      "checkout/Kernels/\(name)/kernel.yaml",
      "source: {\(source)}\nprofiles: {\(profile): {fragments: [\(small.scratch.path)/own.config]}}\n")
  }

  private func build(_ names: String...) async throws {
    for name in names {
      let kernel = try checkout.kernel(name)
      _ = try await BaseBuild.prepare(kernel, profile: kernel.profile("p"), cache: small.cache, jobs: 2) { _ in }
    }
  }

  /// Writes a series of one patch, which replaces a line of main.c.
  private func series(_ name: String, _ old: String, _ trailers: String = "", index: String = "") throws -> String {
    try small.scratch.write(
      "series/\(name)/0001-x.patch",
      """
      From: A <a@example.org>
      Subject: [PATCH] \(name)

      Why.
      ---
      diff --git a/main.c b/main.c
      \(index)--- a/main.c
      +++ b/main.c
      @@ -2,3 +2,3 @@
       {
      -\(old)
      +\treturn 9;
       }
      -- 
      2.39.5

      \(trailers)

      """
    ).removingLastComponent().string
  }

  private struct Chosen: Hashable {
    var kernel: String
    var choice: BaseChoice
  }

  private func choose(_ paths: String..., standard: String = "k-6") async throws -> Chosen {
    let limits = RunLimits(resources: Resources(jobs: 2, memory: 1024), sandbox: Sandbox(jobs: 1))
    let chooser = BaseChooser(
      checkout, cache: small.cache, limits: limits, profiles: ["p"], standard: standard)
    let (kernel, choice) = try await chooser.choose(for: try SeriesForms.find(paths))
    #expect(kernel == (try checkout.kernel(kernel.name, at: choice.revision)))
    return Chosen(kernel: kernel.name, choice: choice)
  }

  private static let newer = "int first(void)\n{\n\treturn 0;\n}\n"

  @Test("the kernel to which most series apply is taken, and the default if none is better")
  func applies() async throws {
    try define("k-6")
    try define("k-7", main: Self.newer)
    try define("k-10", profile: "other")
    try await build("k-6", "k-7")
    let (old, new, other) = (
      try series("old", "\treturn 1;"), try series("new", "\treturn 0;"), try series("other", "\treturn 0;")
    )
    #expect(try await choose(old).choice.reason == .standard)
    #expect(try await choose(old, new).kernel == "k-6")
    let better = BaseChoice(
      reason: .applies,
      compared: [
        BaseChoice.Compared(kernel: "k-7", applies: 2, exact: 0),
        BaseChoice.Compared(kernel: "k-6", applies: 1, exact: 0),
      ])
    #expect(try await choose(old, new, other) == Chosen(kernel: "k-7", choice: better))
    #expect(try await choose().choice == BaseChoice(reason: .standard))
  }

  @Test("of two that take all series, the one with the files that they were made from")
  func madeFrom() async throws {
    let main = "int first(void)\n{\n\treturn 1;\n}\n\nint more;\n"
    try define("k-6")
    try define("k-5", main: main)
    try await build("k-6", "k-5")
    let id = try await Git.tool(["hash-object", "--stdin"]).output(input: Array(main.utf8)).prefix(12)
    let made = try series("made", "\treturn 1;", index: "index \(id)..0123456789ab 100644\n")
    let chosen = try await choose(made)
    #expect(chosen.kernel == "k-5")
    #expect(chosen.choice.reason == .madeFrom)
    #expect(chosen.choice.compared.map(\.exact) == [0, 1])
  }

  @Test("a default that is not built stands, and nothing is compared")
  func notBuilt() async throws {
    try define("k-6")
    try define("k-7", main: Self.newer)
    let new = try series("new", "\treturn 0;")
    #expect(try await choose(new) == Chosen(kernel: "k-6", choice: BaseChoice(reason: .standard)))
    try await build("k-7")
    #expect(try await choose(new) == Chosen(kernel: "k-6", choice: BaseChoice(reason: .notBuilt)))
    // Nor is another one's broken definition an error.
    try small.scratch.write("checkout/Kernels/k-8/kernel.yaml", "source: 3\n")
    #expect(try await choose(new).kernel == "k-6")
    await #expect(throws: DefinitionError.self) { _ = try await choose(new, standard: "k-9") }
  }

  @Test("the commit that all series name is taken from a kernel's repository")
  func baseCommit() async throws {
    try define("k-6")
    let source = small.scratch.path.appending("mine-source")
    try FileManager.default.copyItem(atPath: small.scratch.path.appending("source").string, toPath: source.string)
    @discardableResult func git(_ words: String...) async throws -> String {
      let options = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
      return try await Git.tool(options + words, in: source).output().trimmingCharacters(in: .whitespacesAndNewlines)
    }
    try await git("init", "--quiet", "-b", "main")
    try await git("add", "-A")
    for subject in ["first", "second", "stranger's"] {
      try await git("commit", "--quiet", "--allow-empty", "-m", subject)
    }
    let (first, strange) = (try await git("rev-parse", "HEAD~2"), try await git("rev-parse", "HEAD"))
    try await git("branch", "--quiet", "-f", "stranger")
    try await git("reset", "--quiet", "--hard", "HEAD~1")
    try define("mine", git: "main")

    let one = try series("one", "\treturn 1;", "base-commit: \(first)")
    let two = try series("two", "\treturn 1;")
    let named = BaseChoice(reason: .baseCommit, revision: first)
    #expect(try await choose(one, two) == Chosen(kernel: "mine", choice: named))
    #expect(try await choose(two) == Chosen(kernel: "k-6", choice: BaseChoice(reason: .standard)))
    // Two series that name two commits.
    let three = try series("three", "\treturn 1;", "base-commit: \(strange)")
    #expect(try await choose(one, three).kernel == "k-6")
    // The history of main does not have it: whoever sent the series chose it.
    let chosen = try await choose(three)
    #expect(chosen.kernel == "k-6")
    #expect(chosen.choice.untaken == BaseChoice.Untaken(kernel: "mine", commit: strange))
    let unknown = try series("unknown", "\treturn 1;", "base-commit: \(String(repeating: "1", count: 40))")
    #expect(try await choose(unknown).choice == BaseChoice(reason: .standard))
  }

  @Test("prerequisites that the base already has are left out, and others are kept")
  func usable() async throws {
    let base = try await small.base()
    let cage = try await SmallTree.cage()
    func diff(_ name: String, _ old: String, _ new: String) throws -> FilePath {
      try small.scratch.write(
        name,
        "diff --git a/main.c b/main.c\n--- a/main.c\n+++ b/main.c\n@@ -1,4 +1,4 @@\n"
          + " int first(void)\n {\n-\t\(old)\n+\t\(new)\n }\n")
    }
    let (merged, before, own) = (
      try diff("1", "return 0;", "return 1;"), try diff("2", "return 1;", "return 2;"),
      try diff("3", "return 2;", "return 3;")
    )
    func fitted(_ diffs: [FilePath], own count: Int = 1) async throws -> ReadSeries {
      let patches = diffs.enumerated().map { index, diff in
        var patch = Patch(subject: "\(diff)", author: "a", file: "\(index)", paths: ["main.c"])
        if index < diffs.count - count { patch.from = "other" }
        return patch
      }
      var series = PatchSeries(name: "s", patches: patches)
      series.origin = SeriesOrigin()
      return try await BaseFitting(base, kernel: "small", cage: cage).usable(ReadSeries(series: series, diffs: diffs))
    }
    #expect(try await fitted([before, own]).diffs == [before, own])
    let rest = try await fitted([merged, before, own])
    #expect(rest.diffs == [before, own])
    #expect(rest.series.patches.map(\.from) == ["other", nil])
    #expect(
      rest.series.origin?.notes == [
        "the first of its 2 prerequisites is left out: the series applies to small without it only; perhaps it already "
          + "has it"
      ])
    let alone = try await fitted([merged, before])
    #expect(alone.diffs == [before])
    #expect(alone.series.origin?.notes.first?.hasPrefix("its prerequisite is left out: ") == true)
    // A series that applies in no way keeps what it was given.
    #expect(try await fitted([before, merged]).diffs == [before, merged])
    #expect(try await fitted([merged], own: 1).diffs == [merged])
  }
}
