// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite struct AlikeTestsTests {
  private func failed(_ name: String, _ checks: String...) -> TestResult {
    TestResult(name: name, status: .notOk, checks: checks.map { Check(name: $0, passed: false, detail: name) })
  }

  @Test("tests that fail by the same checks are alike, whatever they saw")
  func checks() {
    let results = [failed("a", "x"), failed("b", "y"), failed("c", "x"), failed("d", "x", "y")]
    #expect(alikeTests(results.map(\.name), in: guest(results)) == [["a", "c"], ["b"], ["d"]])
  }

  @Test("hangs are alike, and so are timeouts; other tests without an answer are not")
  func others() {
    let hang = "alive after SIGKILL: \(TestResult.hang)"
    let results = [
      TestResult(name: "a", status: .timeout, reason: hang), TestResult(name: "b", status: .timeout, reason: "slow"),
      TestResult(name: "c", status: .timeout, reason: hang), TestResult(name: "d", status: .skip, reason: "late"),
      TestResult(name: "e", status: .skip, reason: "no race"), TestResult(name: "f", status: .skip, reason: "no race"),
      TestResult(name: "g", status: .crash, reason: "SIGSEGV"), TestResult(name: "h", status: .crash, reason: "SIGBUS"),
      TestResult(name: "i", status: .ok), TestResult(name: "j", status: .ok),
    ]
    var run = guest(results)
    run.overdue = ["d"]
    #expect(
      alikeTests(results.map(\.name) + ["gone"], in: run)
        == [["a", "c"], ["b", "d"], ["e"], ["f"], ["g"], ["h"], ["i"], ["j"], ["gone"]])
  }
}
