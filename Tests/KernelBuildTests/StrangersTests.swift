// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// Series whose Makefiles run commands that are not part of a build, through the real make, git, overlayfs and cage.
@Suite struct StrangersTests {
  /// A built base, and a tree on it where a patch has added a command that runs with the first object.
  private struct Trial {
    var small = try! SmallTree()
    var outside: FilePath { small.scratch.path.appending("outside") }

    /// - Parameters:
    ///   - command: OUTSIDE stands for a directory outside the cache, and CACHE for the cache.
    ///   - cage: `nil` builds without one.
    ///   - then: inspects the tree and the result of the build.
    func run<Result: Sendable>(
      _ command: String, in cage: Cage?, _ then: (SeriesTree, SeriesBuild) async throws -> Result
    ) async throws -> Result {
      try small.scratch.write("outside/secret", "the secret")
      let base = try await small.base()
      let before = try SmallTree.fingerprint(base.tree)
      let line = command.replacing("OUTSIDE", with: outside.string).replacing("CACHE", with: small.cache.root.string)
      let patch = """
        diff --git a/Makefile b/Makefile
        --- a/Makefile
        +++ b/Makefile
        @@ -6,3 +6,4 @@
         \t@echo "  CC      $@"
         \t@gcc -c -o $@ $<
        +\t@\(line.replacing("$", with: "$$"))
         allnoconfig:
        diff --git a/main.c b/main.c
        --- a/main.c
        +++ b/main.c
        @@ -1,4 +1,4 @@
         int first(void)
         {
        -\treturn 1;
        +\treturn 11;
         }

        """
      let diff = try small.scratch.write("evil.diff", patch)
      let paths = ["Makefile", "main.c"]
      let series = PatchSeries(
        name: "s", patches: [Patch(subject: "s", author: "a", file: "evil.diff", paths: paths)])
      let result = try await small.cache.withScratch { scratch in
        let method = try await SeriesTree.method(scratch: scratch, cage: cage)
        let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: scratch)
        #expect(try await tree.apply(series, diffs: [diff]) == nil)
        let log = small.scratch.path.appending("build.log")
        let built = try await tree.build(series, jobs: 2, log: log) { _ in }
        return try await then(tree, built)
      }
      #expect(try SmallTree.fingerprint(base.tree) == before, "the base is unchanged")
      return result
    }
  }

  @Test func whatAMakefileReachesForIsNotThere() async throws {
    let trial = Trial()
    let commands = [
      "cat OUTSIDE/secret > found", "ls OUTSIDE > found", "ls CACHE/trials > found", "echo x > CACHE/objects/planted",
      "cat /etc/passwd > found",
    ]
    for command in commands {
      let found = try await trial.run("(\(command)) 2>/dev/null; true", in: SmallTree.cage()) { tree, built in
        #expect(built.failure == nil, "\(command)")
        return tree.contents("found")
      }
      #expect(found ?? [] == [], "\(command)")
      #expect(!FileManager.default.fileExists(atPath: trial.small.cache.root.pushing("objects/planted").string))
    }
  }

  /// Proves that it is the cage that blocks access.
  @Test func withoutACageItIs() async throws {
    let found = try await Trial().run("cat OUTSIDE/secret > found", in: nil) { tree, _ in tree.contents("found") }
    #expect(found == Array("the secret".utf8))
  }

  @Test func linksThatABuildLeavesLeadNowhere() async throws {
    let trial = Trial()
    let command = "ln -s OUTSIDE/secret found; ln -s OUTSIDE way; ln -s OUTSIDE/written patchbench-driver; mkfifo pipe"
    try await trial.run("(\(command)) 2>/dev/null; true", in: SmallTree.cage()) { tree, built in
      #expect(built.failure == nil)
      for name in ["found", "way/secret", "pipe"] {
        #expect(tree.file(name) == nil)
        #expect(tree.contents(name) == nil)
      }
    }
  }

  @Test func anImageThatIsALinkIsNoImage() async throws {
    let failure = try await Trial().run("ln -sf OUTSIDE/secret vmlinux; touch -h vmlinux.a", in: SmallTree.cage()) {
      // If the makefile copies over it, that follows the symlink, whose target does not exist in the cage.
      $1.failure
    }
    #expect(failure != nil)
  }

  @Test func aBuildThatTakesTooMuchIsEnded() async throws {
    var cage = try await SmallTree.cage()
    cage.limits.time = .seconds(5)
    let mark = "5\(Int.random(in: 100_000...999_999))"
    await #expect(throws: ToolError.exceeded("make", .time(seconds: 5))) {
      try await Trial().run("sleep \(mark)", in: cage) { _, _ in }
    }
    cage.limits.time = .seconds(60)
    await #expect(throws: ToolError.exceeded("make", .processes(100))) {
      try await Trial().run("while :; do setsid sleep \(mark) & done", in: cage) { _, _ in }
    }
    #expect(try await Tool("pgrep", ["-f", "sleep \(mark)"]).run().output.isEmpty)
  }
}
