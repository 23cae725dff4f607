// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Parsing a diff")
struct UnifiedDiffTests {
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
