// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

@Suite struct EachPatchTests {
  private static func patch(_ old: String, _ new: String) -> String {
    """
    diff --git a/main.c b/main.c
    --- a/main.c
    +++ b/main.c
    @@ -1,4 +1,4 @@
     int first(void)
     {
    -\t\(old)
    +\t\(new)
     }

    """
  }

  private static let documentation = """
    diff --git a/Documentation/x.rst b/Documentation/x.rst
    new file mode 100644
    --- /dev/null
    +++ b/Documentation/x.rst
    @@ -0,0 +1 @@
    +text

    """

  private func failure(
    _ diffs: [(path: String, text: String)], makefile: String = SmallTree.makefile
  ) async throws -> BuildFailure? {
    let small = try SmallTree()
    try small.scratch.write("source/Makefile", makefile)
    let base = try await small.base()
    let before = try SmallTree.fingerprint(base.tree)
    let files = try diffs.enumerated().map { try small.scratch.write("\($0.offset + 1).diff", $0.element.text) }
    let series = PatchSeries(
      name: "s",
      patches: diffs.enumerated().map {
        Patch(subject: "patch \($0.offset + 1)", author: "a", file: "\($0.offset + 1).patch", paths: [$0.element.path])
      })
    let found = try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let tree = try await SeriesTree.make(
        base, method: SeriesTree.method(scratch: scratch, cage: cage), cage: cage, scratch: scratch)
      return try await tree.compileEachPatch(of: series, diffs: files, jobs: 2) {
        small.scratch.path.appending("build-patch-\($0).log")
      }
    }
    #expect(try SmallTree.fingerprint(base.tree) == before)
    return found
  }

  /// As with a call of a function that the next patch adds.
  @Test func theFirstPatchThatDoesNotBuildIsNamedThoughTheWholeBuilds() async throws {
    let found = try #require(
      try await failure([
        ("main.c", Self.patch("return 1;", "return 11;")),
        ("main.c", Self.patch("return 11;", "return undeclared_thing;")),
        ("main.c", Self.patch("return undeclared_thing;", "return 12;")),
      ]))
    #expect(found.after == BuildFailure.Place(number: 2, count: 3, subject: "patch 2", patch: "2.patch"))
    #expect(found.diagnostics.first?.message.contains("undeclared_thing") == true)
    #expect(found.diagnostics.first?.patch == "2.patch")
  }

  @Test func aSeriesThatBuildsThroughoutHasNoFailure() async throws {
    let found = try await failure([
      ("Documentation/x.rst", Self.documentation), ("main.c", Self.patch("return 1;", "return 11;")),
      ("main.c", Self.patch("return 11;", "return 12;")),
    ])
    #expect(found == nil)
  }

  /// The whole is built elsewhere.
  @Test func theLastPatchIsNotBuiltHere() async throws {
    let found = try await failure([
      ("main.c", Self.patch("return 1;", "return 11;")),
      ("main.c", Self.patch("return 11;", "return undeclared_thing;")),
    ])
    #expect(found == nil)
  }

  /// As with a function that is declared, and that the next patch defines.
  @Test func aPatchAfterWhichTheImageDoesNotLinkIsNamed() async throws {
    let found = try #require(
      try await failure(
        [
          ("main.c", Self.patch("return 1;", "extern int later(void); return later();")),
          ("main.c", Self.patch("extern int later(void); return later();", "return 12;")),
        ], makefile: SmallTree.makefile.replacing("cp $< $@", with: "ld -e first -o $@ main.o other.o")))
    #expect(found.after?.number == 1)
    #expect(found.diagnostics.first?.message.contains("undefined reference to `later'") == true, "\(found)")
  }

  @Test func objectsAloneAreMade() throws {
    let commands = ["a.o": "gcc -c -o a.o a.c", "b.o": "gcc -c -o b.o b.c"]
    let makefile = try #require(ReplayMakefile(compiling: ["a.o", "b.o"], preprocesses: false) { commands[$0] })
    #expect(makefile.text.contains("all: a.o b.o\n"))
    #expect(!makefile.text.contains("vmlinux"))
    #expect(ReplayMakefile(compiling: ["a.o", "c.o"], preprocesses: false) { commands[$0] } == nil)
  }
}
