// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct QuiltTests {
  private let scratch = try! Scratch()

  private func read(_ path: String) async throws -> PatchSeries {
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let found = try SeriesForms.find([scratch.path.pushing(FilePath(path)).string])
    return try await #require(found.first).read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
  }

  @Test(arguments: ["", "patches/", "debian/patches/"]) func theSeriesFileGivesTheOrder(_ place: String) async throws {
    try scratch.write("s/\(place)series", "# a comment\nz.patch   # why\n\nsub/a.diff -p1\n")
    try scratch.write("s/\(place)z.patch", mail("[PATCH 2/2] z"))
    try scratch.write("s/\(place)sub/a.diff", mail("[PATCH 1/2] a", path: "b.c"))
    try scratch.write("s/\(place)forgotten.patch", mail("[PATCH] x"))
    let series = try await read("s")
    #expect(series.name == "s")
    #expect(series.patches.map(\.subject) == ["z", "a"])
    #expect(series.patches.map(\.file) == ["z.patch", "sub/a.diff"])
    #expect(series.origin?.notes == ["passed over: forgotten.patch, not listed in series"])
  }

  /// Debian's patches have headers of their own (DEP-3), and often no subject.
  @Test func aDescriptionIsASubject() async throws {
    let whole = mail("x")
    let diff = whole[whole.range(of: "diff --git")!.lowerBound...]
    try scratch.write("all/one/series", "a.patch\n")
    try scratch.write("all/one/a.patch", "Description: what it does\nAuthor: A <a@example.org>\n\n---\n\(diff)")
    let series = try await read("all")
    #expect(series.name == "one")
    #expect(series.patches.map(\.subject) == ["what it does"])
    #expect(series.patches.map(\.author) == ["A <a@example.org>"])
  }

  @Test func aStripLevelIsApplied() async throws {
    let patch = mail("[PATCH] x", path: "drivers/a.c").replacing("a/drivers", with: "drivers").replacing(
      "b/drivers", with: "drivers")
    try scratch.write("s/series", "a.patch -p0\n")
    try scratch.write("s/a.patch", patch)
    #expect(try await read("s").patches.map(\.paths) == [["drivers/a.c"]])
    let diff = try String(contentsOfFile: scratch.path.pushing("out/0001.diff").string, encoding: .utf8)
    #expect(diff.contains("diff --git a/drivers/a.c b/drivers/a.c\n"))
    #expect(diff.contains("\n--- /dev/null\n+++ b/drivers/a.c\n"))
  }

  @Test func onlyHeadersAreRewritten() {
    let diff = """
      diff --git x/y/old name.c x/y/old name.c
      rename from y/one.c
      rename to y/two.c
      --- x/y/a.c\t2026-01-01
      +++ x/y/a.c
      @@ -1,3 +1,3 @@ f
      --- x/y/no.c
      +++ x/y/no.c
       context
      \\ No newline at end of file
       more
      --- x/y/b.c
      +++ /dev/null
      @@ -1 +0,0 @@
      -a

      """
    let wanted = diff.replacing("x/y/old name.c x/y/old name.c", with: "a/old name.c b/old name.c")
      .replacing("from y/", with: "from ").replacing("to y/", with: "to ")
      .replacing("--- x/y/a.c", with: "--- a/a.c").replacing("+++ x/y/a.c", with: "+++ b/a.c")
      .replacing("--- x/y/b.c", with: "--- a/b.c")
    #expect(String(decoding: DiffPaths.normalized(Array(diff.utf8), strip: 2), as: UTF8.self) == wanted)
  }

  @Test(arguments: [
    ("gone.patch\na.patch\n", "it names gone.patch, which is not there"),
    ("../a.patch\na.patch\n", "it names ../a.patch, which is outside of its directory"),
    ("a.patch -R\n", "a.patch has the option -R; only -pN is known"),
  ]) func aListThatCannotBeFollowedIsRefused(_ list: String, _ reason: String) throws {
    let file = try scratch.write("s/series", list)
    try scratch.write("s/a.patch", mail("[PATCH] a"))
    #expect(throws: IntakeError.unreadable(file.string, reason: reason)) {
      try SeriesForms.find([scratch.path.appending("s").string])
    }
  }

  @Test func aFileOfThatNameCanBeAPatch() async throws {
    try scratch.write("s/series", mail("[PATCH] a"))
    #expect(try await read("s").patches.map(\.subject) == ["a"])
  }
}
