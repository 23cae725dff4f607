// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelText
import Testing

@Suite struct CheckOutputTests {
  /// Printed by gcc 12 with W=1, kernel-doc, sparse 0.6.4, coccicheck and checkpatch of 6.12.
  static let lines: [(line: String, expected: String?)] = [
    (
      "drivers/dma-buf/dma-buf.c:1754:13: warning: variable ‘unused’ set but not used [-Wunused-but-set-variable]",
      "drivers/dma-buf/dma-buf.c:1754 variable ‘unused’ set but not used [-Wunused-but-set-variable]"
    ),
    (
      "drivers/dma-buf/dma-buf.c:1753: warning: Function parameter or struct member 'third' not described in 'f'",
      "drivers/dma-buf/dma-buf.c:1753 Function parameter or struct member 'third' not described in 'f'"
    ),
    (
      "/src/linux/mm/x.c:1755:23: error: undefined identifier 'x'", "mm/x.c:1755 undefined identifier 'x'"
    ),
    (
      "./drivers/dma-buf/dma-buf.c:1759:2-7: WARNING: NULL check before some freeing functions is not needed.",
      "drivers/dma-buf/dma-buf.c:1759 NULL check before some freeing functions is not needed."
    ),
    ("mm/x.c:12:5-9: opportunity for str_yes_no(a)", "mm/x.c:12 opportunity for str_yes_no(a)"),
    (
      "drivers/dma-buf/dma-buf.c:13: ERROR:TRAILING_WHITESPACE: trailing whitespace",
      "drivers/dma-buf/dma-buf.c:13 trailing whitespace [TRAILING_WHITESPACE]"
    ),
    (
      "drivers/dma-buf/dma-buf.c:14: WARNING:LONG_LINE_COMMENT: line length of 125 exceeds 100 columns",
      "drivers/dma-buf/dma-buf.c:14 line length of 125 exceeds 100 columns [LONG_LINE_COMMENT]"
    ),
    ("mm/x.c:12:5: note: declared here", nil),
    (" 1754 |         int unused;", nil), ("      |             ^~~~~~", nil),
    ("drivers/dma-buf/dma-buf.c: In function ‘dma_buf_checks’:", nil),
    ("warning: line 140: should noop_llseek be a metavariable?", nil),
    ("  CHECK   drivers/dma-buf/dma-buf.c", nil), ("", nil), (":12: warning: x", nil), ("mm/x.c:12:", nil),
    ("mm/x.c:99999999999999999999: warning: x", nil),
  ]

  @Test(arguments: lines.indices) func reads(_ index: Int) {
    let (line, expected) = Self.lines[index]
    let found = CheckOutput.findings(in: line.utf8, by: "a check", tree: "/src/linux")
    #expect(found.map { "\($0.file ?? "-"):\($0.line ?? 0) \($0.message)" } == (expected.map { [$0] } ?? []))
    #expect(found.allSatisfy { $0.tool == "a check" && $0.patch == nil })
  }

  @Test func eachIsCountedOnceAndThereAreNotTooMany() {
    let log = (0..<50).map { "mm/x.c:\($0 / 2):1: warning: no\n" }.joined()
    #expect(CheckOutput.findings(in: log.utf8, by: "c", limit: 3).map(\.line) == [0, 1, 2])
  }
}
