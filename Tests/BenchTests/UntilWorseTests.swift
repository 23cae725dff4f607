// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Bench

@Suite struct UntilWorseTests {
  private let names = (0..<20).map { "a/\($0)" }
  private var answers: BaseAnswers {
    BaseAnswers(
      GuestRun(
        release: "6", accelerator: .tcg, ending: .completed, booted: true,
        tests: names.map { TestResult(name: $0, status: .ok) }, reports: [], anomalies: [],
        lastLines: []), known: [], isStrict: true)
  }

  private func hear(
    _ statuses: [TestStatus], reports: [String] = [], named: [Witness]? = nil
  ) -> (heard: Int, Witnesses) {
    var witnesses = Witnesses(named: named)
    let reports = reports.map { KernelReport(title: $0, kind: .warning, trace: [], test: nil) }
    for (number, status) in statuses.enumerated()
    where witnesses.hear(TestResult(name: names[number], status: status), reports, answers) {
      return (number + 1, witnesses)
    }
    return (0, witnesses)
  }

  @Test func twoTestsAreEnough() {
    let (heard, witnesses) = hear([.ok, .notOk, .ok, .crash, .ok])
    #expect(heard == 4)
    #expect(witnesses.hasSecond)
    guard case .test("a/1", _)? = witnesses.first else {
      Issue.record("\(String(describing: witnesses.first))")
      return
    }
  }

  @Test func oneIsWaitedWithForAWhileAndThenHasToBeConfirmed() {
    let statuses = [TestStatus.notOk] + Array(repeating: .ok, count: 19)
    let (heard, witnesses) = hear(statuses)
    #expect(heard == 1 + Witnesses.patience)
    #expect(!witnesses.hasSecond)
    #expect(witnesses.first != nil)
  }

  @Test func aReportIsEnough() {
    let (heard, witnesses) = hear([.ok, .ok], reports: ["WARNING in f"])
    #expect(heard == 1)
    #expect(witnesses.first == .report("WARNING in f"))
  }

  @Test("a planted fault is caught only by what is named for it")
  func named() {
    let statuses: [TestStatus] = [.notOk, .notOk, .ok, .notOk, .ok, .crash, .ok]
    let (heard, witnesses) = hear(statuses, reports: ["WARNING in f"], named: [.test("a/3"), .test("a/5")])
    #expect(heard == 6)
    #expect(witnesses.hasSecond)
    guard case .test("a/3", _)? = witnesses.first else {
      Issue.record("\(String(describing: witnesses.first))")
      return
    }
    let others = hear(statuses, reports: ["WARNING in f"], named: [.test("b/*"), .report("KASAN: *")])
    #expect(others.heard == 0 && others.1.first == nil)
    #expect(hear([.ok], reports: ["WARNING in f"], named: [.report("WARNING in *")]).1.first == .report("WARNING in f"))
  }

  @Test func nothingIsHeardWhereNothingIsWorse() {
    let (heard, witnesses) = hear(Array(repeating: .ok, count: 20))
    #expect(heard == 0)
    #expect(witnesses.first == nil)
  }

  @Test func testsThatRunAChangedFunctionComeFirst() {
    var execution = Execution(runs: ["f": ["c": 1, "b": 2], "g": ["d": 1]])
    execution.untraceable = ["h"]
    let reach = BaseReach(execution)
    let all = ["a", "b", "c", "d"]
    let change = CodeChange(
      pieces: [CodeChange.Piece(kind: .function, name: "h", file: "a.c", carriers: ["g"])],
      functions: [CodeChange.Function(name: "g", file: "a.c")])
    #expect(reach.order(all, for: change) == ["d", "a", "b", "c"])
    #expect(
      reach.order(all, for: CodeChange(functions: [CodeChange.Function(name: "f", file: "a.c")])) == [
        "b", "c", "a", "d",
      ])
    #expect(reach.order(all, for: nil) == all)
  }
}
