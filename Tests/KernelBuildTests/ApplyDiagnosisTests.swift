// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// Patches that do not apply, each for another reason, and what is said about them.
@Suite struct ApplyDiagnosisTests {
  private static func patch(_ context: String, _ old: String = "\treturn 2;", _ new: String = "\treturn 22;") -> String
  {
    """
    diff --git a/main.c b/main.c
    --- a/main.c
    +++ b/main.c
    @@ -5,5 +5,5 @@
     
    \(context)
     {
    -\(old)
    +\(new)
     }

    """
  }

  /// - Parameter other: main.c of a second kernel.
  private func diagnosis(_ diffs: [String], baseCommit: String? = nil, other: String? = nil) async throws
    -> ApplyFailure?
  {
    let small = try SmallTree()
    let base = try await small.base()
    var names = ["small"]
    if let other {
      let second = try SmallTree()
      try second.scratch.write("source/main.c", other)
      var kernel = second.kernel
      kernel.name = "other-2"
      _ = try await BaseBuild.prepare(kernel, profile: kernel.profile("p"), cache: small.cache, jobs: 2) { _ in }
      names.append("other-2")
    }
    for name in names { try small.scratch.write("kernels/\(name)/kernel.yaml", "") }
    let files = try diffs.enumerated().map { try small.scratch.write("diffs/\($0.offset).diff", $0.element) }
    var series = PatchSeries(
      name: "s",
      patches: diffs.indices.map { Patch(subject: "\($0)", author: "a", file: "\($0).patch", paths: ["main.c"]) })
    series.origin = SeriesOrigin()
    series.origin?.baseCommit = baseCommit
    return try await small.cache.withScratch { [series] scratch in
      let cage = try await SmallTree.cage()
      let tree = try await SeriesTree.make(
        base, method: SeriesTree.method(scratch: scratch, cage: cage), cage: cage, scratch: scratch)
      guard let refused = try await tree.apply(series, diffs: files) else { return nil }
      let others = UnpackedKernel.all(
        definedIn: small.scratch.path.appending("kernels"), cache: small.cache, besides: base)
      return try await tree.diagnosed(refused, of: series, diffs: files, others: others)
    }
  }

  /// For tables of many series, each kernel says in a word why it does not take one.
  @Test func aKernelSaysWhyItTakesNoSeries() async throws {
    let small = try SmallTree()
    _ = try await small.base()
    try small.scratch.write("kernels/small/kernel.yaml", "")
    let kernel = try #require(
      UnpackedKernel.all(definedIn: small.scratch.path.appending("kernels"), cache: small.cache).first)
    let second = Self.patch(" int second(void)")
    let cases: [([String], ApplyRefusal?)] = [
      ([second], nil), ([second, Self.patch(" int second(void)", "\treturn 22;", "\treturn 222;")], nil),
      ([Self.patch(" int second(void)", "\treturn 3;", "\treturn 2;")], .contained),
      ([Self.patch(" int another(void)")], .context),
      ([second.replacing("main.c", with: "gone.c")], .missingFile),
      ([second.replacing("@@ -5,5 +5,5 @@", with: "@@ -5,9 +5,9 @@")], .damaged),
    ]
    for (number, (diffs, refusal)) in cases.enumerated() {
      let files = try diffs.enumerated().map { try small.scratch.write("\(number)/\($0.offset).diff", $0.element) }
      #expect(try await kernel.refusal(of: files, cage: SmallTree.cage()) == refusal, "case \(number)")
    }
  }

  @Test func whatTheKernelHasIsRecognized() async throws {
    let failure = try #require(try await diagnosis([Self.patch(" int second(void)", "\treturn 3;", "\treturn 2;")]))
    #expect(failure.diagnosis?.isContained == true)
    #expect(failure.diagnosis?.takers == [])
  }

  @Test func driftedContextIsShownAndWhatWouldTakeIt() async throws {
    let failure = try #require(
      try await diagnosis(
        [Self.patch(" int another(void)")], baseCommit: "401ae99111859c05a0e06eb8ddc2e4667ac71c7e"))
    let found = try #require(failure.diagnosis)
    #expect(!found.isContained)
    #expect(found.strip == nil)
    #expect(found.takers == ["git apply -C1", "patch with fuzz 2"])
    let first = try #require(found.mismatch?.first)
    #expect(first.line == 6)
    #expect(first.expected == "int another(void)")
    #expect(first.found == "int second(void)")
    #expect(found.baseCommit == "401ae99111859c05a0e06eb8ddc2e4667ac71c7e")
    #expect(found.triedKernels == [])
  }

  @Test func pathsWithoutPrefixesAreRecognized() async throws {
    let plain = Self.patch(" int second(void)").replacing("a/main.c", with: "main.c").replacing(
      "b/main.c", with: "main.c")
    let failure = try #require(
      try await diagnosis([
        plain.replacing("main.c", with: "tools/README")
          .replacing(Self.hunkOfMain, with: "@@ -1 +1 @@\n-objtool's place\n+here\n")
      ]))
    #expect(failure.diagnosis?.strip == 0)
  }

  private static let hunkOfMain = String(patch(" int second(void)").drop { $0 != "@" })

  @Test func blanksForTabsAreRecognized() async throws {
    let failure = try #require(
      try await diagnosis([Self.patch(" int second(void)").replacing("\t", with: "        ")]))
    #expect(failure.diagnosis?.takers.first == "git apply --ignore-whitespace")
  }

  /// The second patch needs the first one.
  @Test func theWholeSeriesIsTriedOnTheOtherKernels() async throws {
    let other = "int first(void)\n{\n\treturn 1;\n}\n\nint another(void)\n{\n\treturn 2;\n}\n"
    let diffs = [
      Self.patch(" int another(void)"), Self.patch(" int another(void)", "\treturn 22;", "\treturn 222;"),
    ]
    let found = try #require(try await diagnosis(diffs, baseCommit: "401ae991118", other: other)?.diagnosis)
    #expect(found.triedKernels == ["other-2"])
    #expect(found.kernels == ["other-2"])
    #expect(found.baseCommit == "401ae991118")
    let neither = try await diagnosis([Self.patch(" int third(void)")], other: other)?.diagnosis
    #expect(neither?.triedKernels == ["other-2"])
    #expect(neither?.kernels == [])
  }

  /// The other kernel has the file that the patch was made from, and this one changed far from the hunk's lines, but
  /// within its context.
  @Test func thePatchIsMergedWithTheFileThatItWasMadeFrom() async throws {
    let other = "int first(void)\n{\n\treturn 0;\n}\n\nint second(void)\n{\n\treturn 2;\n}\n"
    let id = try await Git.tool(["hash-object", "--stdin"]).output(input: Array(other.utf8)).prefix(12)
    let patch = """
      diff --git a/main.c b/main.c
      index \(id)..0123456789ab 100644
      --- a/main.c
      +++ b/main.c
      @@ -3,7 +3,7 @@
       \treturn 0;
       }
       
       int second(void)
       {
      -\treturn 2;
      +\treturn 22;
       }

      """
    let found = try #require(try await diagnosis([patch], other: other)?.diagnosis)
    #expect(found.madeFrom == "other-2")
    #expect(found.takers.contains("git apply --3way"))
    let conflict = patch.replacing("-\treturn 2;", with: "-\treturn 0;")
    #expect(try await diagnosis([conflict], other: other)?.diagnosis?.takers.contains("git apply --3way") == false)
    let unknown = patch.replacing(id, with: "ba9876543210")
    #expect(try await diagnosis([unknown], other: other)?.diagnosis?.madeFrom == nil)
  }

  @Test func aDamagedPatchIsNotExplainedAway() async throws {
    let failure = try #require(
      try await diagnosis([Self.patch(" int second(void)").replacing("@@ -5,5", with: "@@ -5,9")]))
    let found = try #require(failure.diagnosis)
    #expect(!found.isContained)
    #expect(found.kernels == [])
  }
}
