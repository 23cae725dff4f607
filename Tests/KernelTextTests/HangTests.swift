// SPDX-License-Identifier: Apache-2.0

import KernelText
import Testing

@Suite("The answer of a hung kernel")
struct HangTests {
  @Test(arguments: Fixture.all("hang"))
  func isRead(fixture: Fixture) {
    var scanner = ConsoleScanner()
    scanner.beginAnswer()
    scanner.read(fixture.body)
    scanner.finish()
    let answer = HangAnswer(scanner.answer)
    #expect(answer.busyIn == fixture.values("busy"))
    #expect(answer.blocked == fixture.values("blocked"))
    #expect(fixture.values("idle") == ["\(answer.idle)"])
    // The kernel was asked, so nothing in the answer is a report.
    #expect(scanner.reports == [])
    #expect(scanner.firstPanicLine == nil)
  }

  @Test("lines without time stamps and callers are read too")
  func plain() {
    let answer = HangAnswer([
      "RIP: 0010:f+0x1/0x2", "RIP: 0033:0x7f0000000000",
      "NMI backtrace for cpu 1 skipped: idling at default_idle+0xf/0x20", "RIP: 0010:amd_e400_idle+0x70/0x100",
      "task:kworker/0:1    state:D stack:0", "task:init  state:D stack:0", " schedule+0x1/0x2", " g+0x1/0x2",
      "task:sh  state:S stack:0", " h+0x1/0x2",
    ])
    #expect(answer.busyIn == ["f"])
    #expect(answer.idle == 2)
    #expect(answer.blocked == ["kworker/0:1", "init in g"])
  }

  @Test("the length of an answer is limited, however long the kernel prints")
  func bounded() {
    var scanner = ConsoleScanner()
    scanner.beginAnswer()
    scanner.read(Array(String(repeating: "[    1.000000] again\n", count: 10_000).utf8))
    #expect(scanner.answer.count == 600)
  }
}
