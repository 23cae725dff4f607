// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelText
import Testing

@Suite struct ApplyTextTests {
  @Test(arguments: [
    ("checking file x.c\nHunk #1 succeeded at 147 with fuzz 2.\n", 2),
    ("Hunk #1 succeeded at 3 with fuzz 1 (offset 2 lines).\nHunk #2 succeeded at 9 with fuzz 2.\n", 2),
    ("checking file x.c\nHunk #1 succeeded at 149 (offset 2 lines).\n", 0), ("", 0),
    ("checking file 'x with fuzz 3'\n", 0),
  ])
  func theLargestFuzzCounts(output: String, fuzz: Int) {
    #expect(GitApply.fuzz(in: output) == fuzz)
  }

  @Test(arguments: [
    ("patch failed: x.c:1", ApplyRefusal.context), ("x.c: patch does not apply", .context),
    ("x.c: No such file or directory", .missingFile), ("x.c: already exists in working directory", .existingFile),
    ("corrupt patch at line 3", .damaged), ("x.c: wrong type", .other), ("", .other),
  ])
  func refusalsAreSorted(message: String, kind: ApplyRefusal) {
    #expect(GitApply.kind(of: message) == kind)
  }

  @Test func gitsOwnWarningsAreKept() {
    let output = """
      warning: x.c has type 100755, expected 100644
      Checking patch x.c...
      error: while searching for:
      warning: this is a line of the patch
      error: patch failed: x.c:1
      warning: 1 line adds whitespace errors.
      """
    #expect(
      GitApply.warnings(in: output.utf8)
        == ["x.c has type 100755, expected 100644", "1 line adds whitespace errors."])
  }
}
