// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelText
import Testing

@Suite("Taint")
struct TaintTests {
  @Test(
    "the letters tell what came before",
    arguments: [
      ("CPU: 1 UID: 0 PID: 38 Comm: init Not tainted 6.12.117 #1", []),
      ("CPU: 1 PID: 38 Comm: init Tainted: G           O       6.1.192 #1", []),
      ("CPU: 1 UID: 0 PID: 38 Comm: init Tainted: G    B D W  O     6.12.117 #1", [.badPage, .died, .warning]),
      ("CPU: 0 PID: 1 Comm: x Tainted: G           O L     6.12.117 #1", [.lockup]),
      ("Call Trace:", nil), ("Tainted: [W]=WARN, [O]=OOT_MODULE", nil),
    ] as [(String, [Taint]?)])
  func letters(line: String, taints: [Taint]?) {
    #expect(KernelReport(title: "t", kind: .warning, trace: ["first", line], test: nil).taints == taints)
  }

  @Test("every letter has its own words")
  func words() { #expect(Set(Taint.allCases.map(\.words)).count == Taint.allCases.count) }
}
