// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// Commits of a kernel's repository as bases: those that the user names, and those that a series names.
@Suite struct KernelRevisionTests {
  private var small: SmallTree
  private let source: FilePath

  /// A repository with two commits on `main`, a tag on the first one, and a commit on another branch.
  init() async throws {
    small = try SmallTree()
    source = small.scratch.path.appending("source")
    small.kernel.source = .git(repository: source.string, revision: "main")
    try await git("init", "--quiet", "-b", "main")
    try await commit("first")
    try await git("tag", "v1")
    try await git("checkout", "--quiet", "-b", "stranger")
    try small.scratch.write("source/other.c", "int fourth;\n")
    try await commit("stranger's")
    try await git("checkout", "--quiet", "main")
    try small.scratch.write("source/other.c", "int fifth;\n")
    try await commit("second")
  }

  @discardableResult private func git(_ words: String...) async throws -> String {
    let options = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return try await Git.tool(options + words, in: source).output().trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func commit(_ subject: String) async throws {
    try await git("add", "-A")
    try await git("commit", "--quiet", "-m", subject)
  }

  private var kernels: FilePath { small.scratch.path.appending("kernels") }

  @Test func theKeyOfABaseFollowsFromTheCommit() async throws {
    func key(_ revision: String?) async throws -> String {
      let kernel = try revision.map { try small.kernel.at($0, definedIn: kernels) } ?? small.kernel
      return try await BaseBuild.key(kernel, profile: kernel.profile("p"), cache: small.cache)
    }
    let own = try await key(nil)
    let tagged = try await key("v1")
    #expect(own != tagged)
    #expect(try await key(git("rev-parse", "v1")) == tagged)
    #expect(try await key(git("rev-parse", "HEAD~1")) == tagged)
    #expect(try await key("main") == own)
    await #expect(throws: StageError.self) { _ = try await key("v2") }
  }

  @Test func aBaseIsBuiltFromTheCommit() async throws {
    let kernel = try small.kernel.at("v1", definedIn: kernels)
    let base = try await BaseBuild.prepare(kernel, profile: kernel.profile("p"), cache: small.cache, jobs: 2) { _ in }
    #expect(try String(contentsOfFile: base.tree.appending("other.c").string, encoding: .utf8) == "int third;\n")
    #expect(base.sourceDescription.hasPrefix("git v1 ("))
  }

  @Test func aTreeNeedsNoDefinition() async throws {
    for (name, fragment) in [("linux-6.12", "a"), ("linux-7.3", "b")] {
      try small.scratch.write(
        "kernels/\(name)/kernel.yaml",
        "source: {debian: linux-source-6.12}\nprofiles: {p: {fragments: [\(fragment).config], image: bzImage}}\n")
      try small.scratch.write("kernels/\(name)/\(fragment).config", "CONFIG_KEPT=y\n")
    }
    try small.scratch.write(
      "kernels/mine/kernel.yaml", "source: {tree: /src}\nprofiles: {mine: {fragments: []}}\n")
    let tree = try KernelDefinition.load(source.string, from: kernels)
    #expect(tree.name == source.string)
    #expect(tree.label == "tree-source")
    #expect(try tree.profile("p").fragments.map(\.lastComponent?.string) == ["b.config"])
    // Its Makefile says 6.12, which boots a vmlinux.
    let base = try await BaseBuild.prepare(tree, profile: tree.profile("p"), cache: small.cache, jobs: 2) { _ in }
    #expect(base.image.lastComponent == "vmlinux")
    #expect(base.tree.removingLastComponent().lastComponent?.string.hasPrefix("tree-source-p-") == true)
    #expect(base.sourceDescription.hasPrefix("tree source, "))
    #expect(try String(contentsOfFile: base.tree.appending("other.c").string, encoding: .utf8) == "int fifth;\n")
    let old = try tree.at("v1", definedIn: kernels)
    #expect(old.source == .git(repository: source.string, revision: "v1"))
    #expect(try await BaseBuild.key(old, profile: old.profile("p"), cache: small.cache) != base.key)
  }

  @Test func aPathWithoutATreeIsAnError() throws {
    try small.scratch.write(
      "kernels/linux-6.12/kernel.yaml", "source: {debian: linux-source-6.12}\nprofiles: {p: {fragments: []}}\n")
    let path = small.scratch.path.appending("kernels").string
    #expect(throws: DefinitionError.noTree(path)) { try KernelDefinition.load(path, from: kernels) }
  }

  @Test func onlyARepositoryHasRevisions() throws {
    let profiles = "profiles: {p: {fragments: []}}\n"
    try small.scratch.write("kernels/linux-6.12/kernel.yaml", "source: {debian: linux-source-6.12}\n\(profiles)")
    let debian = try KernelDefinition.load("linux-6.12", from: kernels)
    #expect(throws: DefinitionError.noRepository(kernel: "linux-6.12", revision: "v6.12-rc3", others: [])) {
      try debian.at("v6.12-rc3", definedIn: kernels)
    }
    try small.scratch.write("kernels/mine/kernel.yaml", "source: {git: {repository: /x, revision: v1}}\n\(profiles)")
    let error = #expect(throws: DefinitionError.self) { try debian.at("v6.12-rc3", definedIn: kernels) }
    #expect(error?.description.contains("--kernel: mine") == true)
  }

  /// The base is built outside the sandbox, so a stranger may only choose among what the user's revision has.
  @Test func aCommitThatASeriesNamesIsInTheHistoryOrElsewhere() async throws {
    func found(_ name: String) async throws -> KernelDefinition.NamedCommit? {
      try await small.kernel.commit(name, cache: small.cache)
    }
    let (first, second) = (try await git("rev-parse", "v1"), try await git("rev-parse", "main"))
    let other = try await git("rev-parse", "stranger")
    #expect(try await found(first) == .inHistory(first))
    #expect(try await found(String(first.prefix(12))) == .inHistory(first))
    #expect(try await found(second) == .inHistory(second))
    #expect(try await found(other) == .elsewhere(other))
    for name in ["v1", "main", "HEAD", "--help", String(first.prefix(6)), String(repeating: "0", count: 40), ""] {
      #expect(try await found(name) == nil, "\(name)")
    }
    // A branch may have a name that looks like a commit.
    try await git("branch", "abcdef0123", "v1")
    #expect(try await found("abcdef0123") == nil)
    var plain = small.kernel
    plain.source = .tree(source)
    #expect(try await plain.commit(first, cache: small.cache) == nil)
    var remote = small.kernel
    remote.source = .git(repository: "https://git.example.org/linux", revision: "main")
    #expect(remote.isRemote)
    #expect(try await remote.commit(first, cache: small.cache) == nil)
  }

  /// What was fetched once is not fetched again: the network may be away.
  @Test func aCommitThatWasFetchedIsASource() async throws {
    let first = try await git("rev-parse", "v1")
    var remote = small.kernel
    remote.source = .git(repository: "file://\(source)", revision: "v1")
    #expect(remote.isRemote)
    let key = try await BaseBuild.key(remote, profile: remote.profile("p"), cache: small.cache)
    try FileManager.default.moveItem(atPath: source.string, toPath: source.string + "-away")
    #expect(try await remote.commit(first, cache: small.cache) == .inHistory(first))
    let again = try remote.at(first, definedIn: kernels)
    #expect(try await BaseBuild.key(again, profile: again.profile("p"), cache: small.cache) == key)
    await #expect(throws: StageError.self) {
      _ = try await BaseBuild.key(remote, profile: remote.profile("p"), cache: small.cache)
    }
  }
}

/// How well an unpacked kernel fits series, with real patches.
@Suite struct KernelFitTests {
  @Test func filesAreComparedByTheirBlobs() async throws {
    let small = try SmallTree()
    let base = try await small.base()
    let source = small.scratch.path.appending("source")
    func git(_ words: String...) async throws -> String {
      try await Git.tool(["-c", "user.name=a", "-c", "user.email=a@example.org"] + words, in: source).output()
    }
    _ = try await git("init", "--quiet")
    _ = try await git("add", "-A")
    _ = try await git("commit", "--quiet", "-m", "x")
    try small.scratch.write("source/main.c", "int first;\n")
    try small.scratch.write("source/other.c", "int second;\n")
    let both = try small.scratch.write("both.diff", try await git("diff"))
    _ = try await git("commit", "--quiet", "-a", "-m", "y")
    try small.scratch.write("source/main.c", "int first = 1;\n")
    try small.scratch.write("source/tools/README", "changed\n")
    let later = try small.scratch.write("later.diff", try await git("diff"))
    let new = try small.scratch.write(
      "new.diff",
      "diff --git a/new b/new\nnew file mode 100644\nindex 0000000..ce01362\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+hello\n"
    )

    let cage = try await SmallTree.cage()
    let kernel = UnpackedKernel(base, name: "small")
    let fits = try await kernel.fits([[both], [both, later], [later], [new]], cage: cage)
    #expect(
      fits == [
        BaseFit(exact: 2, told: 2), BaseFit(exact: 3, told: 3), BaseFit(exact: 1, told: 2), BaseFit(exact: 0, told: 0),
      ])
    for (diffs, applies) in [
      ([both], true), ([both, later], true), ([later], false), ([new], true), ([both, both], false),
    ] {
      #expect(try await kernel.applies(diffs, cage: cage) == applies, "\(diffs)")
    }
    // A path that leads out of the tree is no file of it.
    let outside = try small.scratch.write(
      "outside.diff", "diff --git a/../../own.config b/../../own.config\nindex 1234567..2345678 100644\n")
    #expect(try await kernel.fits([[outside]], cage: cage) == [BaseFit(exact: 0, told: 1)])
  }
}
