// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelCode
import Testing

@Suite struct HunkPlaceTests {
  private func hunk(_ text: String) throws -> DiffHunk {
    try #require(UnifiedDiff.parse("--- a/x.c\n+++ b/x.c\n" + text).first?.hunks.first)
  }

  private static let drifted = """
    @@ -3,5 +3,5 @@ int f(void)
     \tone();
     
    -\ttwo();
    +\t2();
     \t/* does it? */
     \tthree();

    """

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var source: String
    var line: Int
    var first: (line: Int, expected: String?, found: String?)?
  }

  static let cases: [Case] = [
    Case(
      testDescription: "one line of the context differs",
      source: "int f(void)\n{\n\tone();\n\n\ttwo();\n\t/* is it? */\n\tthree();\n}\n",
      line: 3, first: (6, "\t/* does it? */", "\t/* is it? */")),
    Case(
      testDescription: "it moved down by a line, too",
      source: "\n\n{\n\tone();\n\n\ttwo();\n\t/* is it? */\n\tthree();\n}\n", line: 4,
      first: (7, "\t/* does it? */", "\t/* is it? */")),
    Case(
      testDescription: "the file ends in the hunk", source: "int f(void)\n{\n\tone();\n\n\ttwo();\n", line: 3,
      first: (6, "\t/* does it? */", nil)),
    Case(testDescription: "nothing of it is there", source: "a\nb\nc\nd\n", line: 3, first: (3, "\tone();", nil)),
    Case(testDescription: "an empty file", source: "", line: 3, first: (3, "\tone();", nil)),
    Case(
      testDescription: "all of it is there", source: "\tone();\n\n\ttwo();\n\t/* does it? */\n\tthree();\n", line: 1,
      first: nil),
  ]

  @Test(arguments: cases) func theBestPlaceIsFound(_ one: Case) throws {
    let hunk = try hunk(Self.drifted)
    #expect(hunk.oldStart == 3)
    let found = try #require(HunkPlace.mismatch(hunk, at: 3, of: "x.c", in: Array(one.source.utf8)))
    #expect(found.line == one.line)
    #expect(found.first?.line == one.first?.line)
    #expect(found.first?.expected == one.first?.expected)
    #expect(found.first?.found == one.first?.found)
  }

  @Test func bothSidesAreOneDiff() throws {
    let found = try #require(
      HunkPlace.mismatch(hunk(Self.drifted), at: 3, of: "x.c", in: Array("\tone();\n\n\ttwo();\n\tthree();\n".utf8)))
    #expect(found.diff == [" \tone();", " ", " \ttwo();", "-\t/* does it? */", " \tthree();"])
  }

  @Test func aHunkThatOnlyAddsHasNoPlace() throws {
    let hunk = try hunk("@@ -0,0 +1 @@\n+x\n")
    #expect(HunkPlace.mismatch(hunk, at: 0, of: "x.c", in: Array("y\n".utf8)) == nil)
  }

  @Test func theBlobsOfAPatchAreFound() {
    let one =
      "diff --git a/mm/a.c b/mm/a.c\nindex 8a2297d43..afb8c1c50 100644\n--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1 +1 @@\n-index 1234567..\n+x\n"
    let two = one.replacing("mm/a.c", with: "b b/c.c")
    #expect(IndexLines.blobs(in: one.utf8) == ["mm/a.c": "8a2297d43"])
    #expect(IndexLines.blobs(in: (one + two).utf8) == ["mm/a.c": "8a2297d43", "b b/c.c": "8a2297d43"])
    for wrong in [
      one.replacing("8a2297d43", with: "000000000"), one.replacing("8a2297d43", with: "$(reboot)"),
      one.replacing("b/mm/a.c\nindex", with: "b/mm/b.c\nindex"),
      one.replacing("index 8a2297d43..afb8c1c50 100644\n", with: ""), "",
    ] { #expect(IndexLines.blobs(in: wrong.utf8) == nil, "\(wrong)") }
  }

  /// Only the first patch that touches a file was made from the base's.
  @Test func theBlobsOfASeriesAreFound() {
    let one = """
      diff --git a/mm/a.c b/mm/a.c
      index 8a2297d43..afb8c1c50 100644
      --- a/mm/a.c
      +++ b/mm/a.c
      @@ -1 +1 @@
      -a
      +b
      diff --git a/new.c b/new.c
      new file mode 100644
      index 000000000..1b2c3d4e5
      --- /dev/null
      +++ b/new.c
      @@ -0,0 +1 @@
      +x
      diff --git a/old.c b/moved.c
      similarity index 90%
      rename from old.c
      rename to moved.c
      index 111111111..222222222 100644

      """
    let two = """
      diff --git a/mm/a.c b/mm/a.c
      index afb8c1c50..3333333 100644
      diff --git a/new.c b/new.c
      index 1b2c3d4e5..4444444 100644
      diff --git a/moved.c b/moved.c
      index 222222222..5555555 100644
      diff --git a/gone.c b/gone.c
      deleted file mode 100644
      index 6666666..0000000
      diff --git "a/q\\303\\251.c" "b/q\\303\\251.c"
      index 7777777..8888888 100644

      """
    #expect(
      IndexLines.origins(in: [Array(one.utf8), Array(two.utf8)])
        == ["mm/a.c": "8a2297d43", "old.c": "111111111", "gone.c": "6666666"])
    #expect(IndexLines.origins(in: [Array("no diff".utf8)]) == [:])
    #expect(IndexLines.blobs(in: one.utf8) == nil)
  }
}
