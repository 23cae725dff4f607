// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Parsing a diff")
struct UnifiedDiffTests {
  /// Two files, the first with a changed mode only; the second ends without a line feed.
  private static let diff = """
    diff --git a/run.sh b/run.sh
    old mode 100644
    new mode 100755
    diff --git a/b/0 b/b/0
    index 1234567..89abcde 100644
    --- a/b/0
    +++ b/b/0
    @@ -1,2 +1,2 @@ int f(void)
    --- one
    +++ 1
     -- two
    \\ No newline at end of file
    """

  @Test(
    "the same diff in other words is the same diff",
    arguments: [
      "\(diff)\n", "---\n b/0 | 2 +-\n 1 file changed\n\n\(diff)\n-- \n2.39.5\n\n",
      "Subject: a mail\n\n--- not a header\n\n\(diff)\n\n_______\nlist mailing list\n",
    ])
  func alone(_ text: String) {
    #expect(String(decoding: UnifiedDiff.alone(Array(text.utf8)), as: UTF8.self) == Self.diff)
  }

  @Test(
    "what a diff changes is never left out",
    arguments: [
      // A diff without `diff --git`, one of a binary file, one whose last hunk is cut off, and none at all.
      "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2",
      "diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZ\n\nliteral 0\nHcmV\n",
      "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-1\n+2\n-- \n2.39.5\n", "no diff\n",
      "@@ -1 +1 @@\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n",
      "diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new",
    ])
  func whole(_ text: String) {
    #expect(String(decoding: UnifiedDiff.alone(Array(text.utf8)), as: UTF8.self) == text)
  }

  @Test("files, hunks and the numbers of lines in the new file")
  func parse() {
    let text = """
      diff --git a/b/0 b/b/0
      --- a/b/0
      +++ b/b/0
      @@ -1,3 +1,4 @@ int f(void)
       one
      -two
      +2
      +and a half
       three
      @@ -9 +10,0 @@
      -gone
      \\ No newline at end of file
      diff --git a/b/1 b/b/1
      --- /dev/null
      +++ b/b/1
      @@ -0,0 +1 @@
      +++ not a header
      """
    let files = UnifiedDiff.parse(text)
    #expect(files.map(\.path) == ["b/0", "b/1"])
    #expect(files[0].hunks[0].lines.map(\.number) == [1, 2, 2, 3, 4])
    #expect(files[0].hunks[0].lines.map(\.text) == ["one", "two", "2", "and a half", "three"])
    #expect(files[0].hunks[1].lines.map(\.kind) == [.removed])
    #expect(files[1].hunks[0].lines.map(\.text) == ["++ not a header"])
    #expect(UnifiedDiff.parse("").isEmpty)
    #expect(UnifiedDiff.shortened(files, to: 7).files == files)
    #expect(UnifiedDiff.shortened(files, to: 7).omitted == 0)
    let short = UnifiedDiff.shortened(files, to: 3)
    #expect(short.omitted == 4)
    #expect(short.files.map(\.path) == ["b/0"])
    #expect(short.files[0].hunks.map(\.lines.count) == [3])
  }
}
