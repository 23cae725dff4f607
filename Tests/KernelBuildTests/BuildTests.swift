// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

/// Changes `return 2` of main.c, in its second function.
private let good = """
  diff --git a/main.c b/main.c
  --- a/main.c
  +++ b/main.c
  @@ -5,5 +5,5 @@
   
   int second(void)
   {
  -\treturn 2;
  +\treturn 22;
   }

  """

private func series(_ diffs: [(file: String, paths: [String])]) -> PatchSeries {
  PatchSeries(
    name: "s", patches: diffs.map { Patch(subject: $0.file, author: "a", file: $0.file, paths: $0.paths) })
}

@Suite struct BaseBuildTests {
  @Test func aBaseIsBuiltOnceAndFoundAgain() async throws {
    let small = try SmallTree()
    let first = try await small.base()
    #expect(first.seconds.total != nil)
    #expect(FileManager.default.fileExists(atPath: first.image.string))
    #expect(first.toolchain.contains(/gcc.*; GNU ld.*; binutils 2/))
    let second = try await small.base()
    #expect(second.seconds.total == nil)
    #expect(second.key == first.key)
    #expect(second.tree == first.tree)
  }

  @Test func whateverChangesTheBuildChangesTheKey() async throws {
    let small = try SmallTree()
    let first = try await small.base().key
    try small.scratch.write("own.config", "CONFIG_KEPT=y\nCONFIG_MORE=y\n")
    let second = try await small.base().key
    try small.scratch.write("source/other.c", "int fourth;\n")
    let third = try await small.base().key
    #expect(Set([first, second, third]).count == 3)
  }

  @Test func aSymbolThatDoesNotSurviveIsNamed() async throws {
    let small = try SmallTree(fragment: "CONFIG_KEPT=y\nCONFIG_DROPPED=y\n")
    let error = await #expect(throws: StageError.self) { _ = try await small.base() }
    guard case .fault(let fault) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fault.message.contains("CONFIG_DROPPED"))
    #expect(!fault.message.contains("CONFIG_KEPT"))
  }

  @Test func aLineThatIsNoSettingIsRefused() async throws {
    let small = try SmallTree(fragment: "CONFIG_KEPT y\n")
    await #expect(throws: DefinitionError.self) { _ = try await small.base() }
  }

  @Test func aBaseThatDoesNotBuildIsOurFault() async throws {
    let small = try SmallTree()
    try small.scratch.write("source/other.c", "int third\n")
    let error = await #expect(throws: StageError.self) { _ = try await small.base() }
    guard case .fault(let fault) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fault.advice?.contains("build.log") == true)
  }

  @Test func itsFilesAreOlderThanWhateverAClockTells() async throws {
    let small = try SmallTree()
    let times = try SmallTree.fingerprint(try await small.base().tree).filter { !$0.hasPrefix("tools ") }
    #expect(times.contains { $0.hasPrefix("main.o ") })
    #expect(times.allSatisfy { $0.hasSuffix(" 946684800.0") }, "\(times)")
  }

  /// The format that tools/build writes for objtool; the tree's own files stay.
  @Test func headersOfTheMachineAreNothingToGoBy() {
    let recorded = """
      cmd_/b/tree/tools/objtool/weak.o := gcc -I /b/tree/tools/include -c -o /b/tree/tools/objtool/weak.o weak.c

      deps_/b/tree/tools/objtool/weak.o := \\
        /usr/include/stdc-predef.h \\
        /b/tree/tools/include/linux/rbtree.h \\
        /b/treeless/linux/rbtree.h \\
        builtin.h \\

      /b/tree/tools/objtool/weak.o: $(deps_/b/tree/tools/objtool/weak.o)

      """
    let gone = ["/usr/include/stdc-predef.h", "/b/treeless/linux/rbtree.h"]
    let expected = recorded.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      !gone.contains { line.contains($0) }
    }.joined(separator: "\n")
    #expect(FixedTimestamps.withoutMachine(recorded, tree: "/b/tree") == expected)
  }

  @Test func anInterruptedBuildGoesOn() async throws {
    let small = try SmallTree()
    // The state that a killed run leaves: unpacked, partly built, not marked as done, and not locked.
    do {
      let base = try await small.base()
      let home = base.tree.removingLastComponent()
      try FileManager.default.removeItem(atPath: home.appending("built").string)
      try FileManager.default.removeItem(atPath: base.image.string)
    }
    let again = try await small.base()
    #expect(again.seconds.total != nil)
    #expect(FileManager.default.fileExists(atPath: again.image.string))
  }

  @Test func twoRunsBuildItOnce() async throws {
    let small = try SmallTree()
    async let one = small.base()
    async let two = small.base()
    let built = try await [one, two].count { $0.seconds.total != nil }
    #expect(built == 1)
  }

  @Test func aMissingPackageSaysHowToGetIt() async throws {
    var small = try SmallTree()
    small.kernel.source = .debian(package: "linux-source-0.1")
    let error = await #expect(throws: StageError.self) { _ = try await small.base() }
    #expect(
      error
        == .fault(
          .build, "the kernel's source is not installed (linux-source-0.1)", advice: "apt-get install linux-source-0.1")
    )
  }

  @Test func aRevisionOfARepositoryIsASource() async throws {
    var small = try SmallTree()
    let source = small.scratch.path.appending("source")
    for arguments in [
      ["init", "--quiet"], ["add", "-A"],
      ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "x"], ["tag", "v1"],
    ] { _ = try await Git.tool(arguments, in: source).output() }
    try small.scratch.write("source/main.c", "this is not what was committed")
    small.kernel.source = .git(repository: source.string, revision: "v1")
    let base = try await small.base()
    #expect(FileManager.default.fileExists(atPath: base.image.string))
    small.kernel.source = .git(repository: source.string, revision: "v2")
    await #expect(throws: StageError.self) { _ = try await small.base() }
  }
}

@Suite struct SeriesBuildTests {
  /// Applies and builds diffs on a fresh small tree.
  private func trial(
    _ diffs: [(file: String, paths: [String], text: String)], method: SeriesTree.Method? = nil
  ) async throws -> (applied: ApplyFailure?, built: BuildFailure?, log: String, baseIsUntouched: Bool) {
    let small = try SmallTree()
    let base = try await small.base()
    let before = try SmallTree.fingerprint(base.tree)
    let files = try diffs.map { try small.scratch.write("diffs/\($0.file)", $0.text) }
    let series = series(diffs.map { ($0.file, $0.paths) })
    let log = small.scratch.path.appending("build.log")
    let result = try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let own = try await SeriesTree.method(scratch: scratch, cage: cage)
      let tree = try await SeriesTree.make(base, method: method ?? own, cage: cage, scratch: scratch)
      if let refused = try await tree.apply(series, diffs: files) {
        return (Optional(refused), BuildFailure?.none)
      }
      return (nil, try await tree.build(series, jobs: 2, log: log) { _ in }.failure)
    }
    let text = (try? String(contentsOfFile: log.string, encoding: .utf8)) ?? ""
    return (result.0, result.1, text, try SmallTree.fingerprint(base.tree) == before)
  }

  @Test func onlyWhatTheSeriesTouchesIsCompiled() async throws {
    let trial = try await trial([("1.diff", ["main.c"], good)])
    #expect(trial.applied == nil)
    #expect(trial.built == nil)
    #expect(trial.log.contains("CC      main.o"))
    #expect(!trial.log.contains("CC      other.o"))
    #expect(trial.baseIsUntouched)
  }

  /// The compiler does not report files that the assembler includes.
  @Test func whatMayTakeInAFileByteForByteIsSeen() async throws {
    let small = try SmallTree()
    try small.scratch.write("source/other.c", "asm(\".incbin \\\"MAINTAINERS\\\"\");\nint third;\n")
    try small.scratch.write("source/MAINTAINERS", "")
    let base = try await small.base()
    try await small.cache.withScratch { scratch in
      let tree = try await SeriesTree.make(
        base, method: SeriesTree.method(scratch: scratch, cage: nil), cage: nil, scratch: scratch)
      #expect(tree.takesBytesIn(["other.o"], of: []))
      #expect(tree.takesBytesIn(["main.o"], of: ["other.c"]))
      #expect(!tree.takesBytesIn(["main.o"], of: ["main.c", "MAINTAINERS"]))
    }
  }

  @Test func whereThereIsNoOverlayACopyServes() async throws {
    let trial = try await trial([("1.diff", ["main.c"], good)], method: .copy)
    #expect(trial.built == nil)
    #expect(trial.log.contains("CC      main.o"))
    #expect(!trial.log.contains("CC      other.o"))
    #expect(trial.baseIsUntouched)
  }

  /// As if the base was built while the clock was ahead: make would see nothing to do.
  @Test(arguments: [SeriesTree.Method?.none, .copy]) func aClockThatWasSetBackHidesNoChange(
    _ method: SeriesTree.Method?
  ) async throws {
    let small = try SmallTree()
    let base = try await small.base()
    let diff = try small.scratch.write("own.diff", good)
    try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let available = try await SeriesTree.method(scratch: scratch, cage: cage)
      let tree = try await SeriesTree.make(base, method: method ?? available, cage: cage, scratch: scratch)
      let one = series([("own.diff", ["main.c"])])
      #expect(try await tree.apply(one, diffs: [diff]) == nil)
      let touched = try #require(tree.file("main.c"))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: touched.string)
      let log = small.scratch.path.appending("log")
      let built = try await tree.build(one, jobs: 2, log: log) { _ in }
      #expect(built.failure == nil)
      #expect(try String(contentsOfFile: log.string, encoding: .utf8).contains("CC      main.o"))
      #expect(!FileManager.default.contentsEqual(atPath: built.image.string, andPath: base.image.string))
    }
  }

  /// Patches that two series share, built once, and the rest of one series on top.
  @Test(arguments: [SeriesTree.Method?.none, .copy]) func aSeriesStandsOnASharedTree(
    _ method: SeriesTree.Method?
  ) async throws {
    let small = try SmallTree()
    let base = try await small.base()
    let before = try SmallTree.fingerprint(base.tree)
    let shared = try small.scratch.write("shared.diff", Self.otherComment)
    let own = try small.scratch.write("own.diff", good)
    try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let available = try await SeriesTree.method(scratch: scratch, cage: cage)
      for name in ["below", "above"] {
        try FileManager.default.createDirectory(
          atPath: scratch.appending(name).string, withIntermediateDirectories: true)
      }
      let below = try await SeriesTree.make(
        base, method: method ?? available, cage: cage, scratch: scratch.appending("below"))
      let first = series([("shared.diff", ["other.c"])])
      #expect(try await below.apply(first, diffs: [shared]) == nil)
      let log = small.scratch.path.appending("log")
      #expect(try await below.buildLayer(first, jobs: 2, log: log) { _ in })
      let above = try await SeriesTree.make(
        base, over: below, method: method ?? available, cage: cage, scratch: scratch.appending("above"))
      #expect(try await above.apply(series([("own.diff", ["main.c"])]), diffs: [own]) == nil)
      let built = try await above.build(series([("own.diff", ["main.c"])]), jobs: 2, log: log) { _ in }
      #expect(built.failure == nil)
      let text = try String(contentsOfFile: log.string, encoding: .utf8)
      #expect(text.contains("CC      main.o"))
      #expect(!text.contains("CC      other.o"), "the underlying tree has it")
      #expect(try String(contentsOfFile: #require(above.file("other.c")).string, encoding: .utf8).contains("a remark"))
    }
    #expect(try SmallTree.fingerprint(base.tree) == before)
  }

  @Test func theFirstPatchThatIsRefusedIsNamedWithFileAndHunk() async throws {
    let refused = """
      diff --git a/main.c b/main.c
      --- a/main.c
      +++ b/main.c
      @@ -1,4 +1,4 @@
       int first(void)
       {
      -\treturn 1;
      +\treturn 11;
       }
      @@ -6,4 +6,4 @@ int first(void)
       int second(void)
       {
      -\treturn 3;
      +\treturn 33;
       }

      """
    let trial = try await trial([
      ("1.diff", ["main.c"], good), ("2.diff", ["main.c"], refused), ("3.diff", ["main.c"], refused),
    ])
    #expect(trial.applied?.patch.file == "2.diff")
    #expect(trial.applied?.file == "main.c")
    #expect(trial.applied?.hunk == 2)
    #expect(trial.baseIsUntouched)
  }

  /// Its object exists, and make looks no further.
  @Test func aSourceThatGoesIsMissed() async throws {
    let small = try SmallTree()
    let base = try await small.base()
    let diff = try small.scratch.write(
      "gone.diff",
      """
      diff --git a/other.c b/notes.txt
      similarity index 100%
      rename from other.c
      rename to notes.txt

      """)
    let gone = series([("gone.diff", ["notes.txt", "other.c"])])
    try await small.cache.withScratch { scratch in
      let cage = try await SmallTree.cage()
      let tree = try await SeriesTree.make(
        base, method: SeriesTree.method(scratch: scratch, cage: cage), cage: cage, scratch: scratch)
      #expect(try await tree.apply(gone, diffs: [diff]) == nil)
      let built = try await tree.build(gone, jobs: 2, log: small.scratch.path.appending("log")) { _ in }
      #expect(built.failure?.diagnostics.first?.message.contains("No rule to make target") == true, "\(built)")
    }
    #expect(FileManager.default.fileExists(atPath: base.tree.appending("other.o").string))
  }

  @Test func compilerErrorsNameTheirPatch() async throws {
    let broken = good.replacingOccurrences(of: "return 22;", with: "return undeclared_thing;")
    let trial = try await trial([("1.diff", ["other.c"], Self.otherComment), ("2.diff", ["main.c"], broken)])
    let first = try #require(trial.built?.diagnostics.first)
    #expect(first.file == "main.c")
    #expect(first.line == 8)
    #expect(first.message.contains("undeclared_thing"))
    #expect(first.patch == "2.diff")
    #expect(trial.baseIsUntouched)
  }

  private static let otherComment = """
    diff --git a/other.c b/other.c
    --- a/other.c
    +++ b/other.c
    @@ -1 +1,2 @@
     int third;
    +/* a remark */

    """

  @Test func aLinkOutOfTheTreeIsNotFollowed() async throws {
    let small = try Scratch()
    let outside = small.path.appending("outside")
    try FileManager.default.createDirectory(atPath: outside.string, withIntermediateDirectories: true)
    let link = """
      diff --git a/link b/link
      new file mode 120000
      --- /dev/null
      +++ b/link
      @@ -0,0 +1 @@
      +\(outside)
      \\ No newline at end of file

      """
    let write = """
      diff --git a/link/file b/link/file
      new file mode 100644
      --- /dev/null
      +++ b/link/file
      @@ -0,0 +1 @@
      +owned

      """
    let trial = try await trial([("1.diff", ["link"], link), ("2.diff", ["link/file"], write)])
    #expect(trial.applied?.patch.file == "2.diff")
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.string).isEmpty)
  }
}
