// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Bench

@Suite("Which tests run for a changed line")
struct BaseReachTests {
  private func line(_ number: Int, function: String = "f") -> ChangedLine {
    ChangedLine(
      file: "a.c", number: number, text: "x++;", follows: false, function: function,
      place: .watched(LineWatch(ran: [LineWatch.Sight(probe: number)])))
  }

  /// The reach of a base on which these tests ran each of these lines.
  private func reach(_ ran: [Int: [String]]) -> BaseReach {
    var execution = Execution()
    execution.probes = ran.mapValues { tests in
      Dictionary(uniqueKeysWithValues: tests.map { ($0, ProbeCount(hits: 1)) })
    }
    var reach = BaseReach(execution)
    reach.lines = ChangedLines(lines: ran.keys.sorted().map { line($0) }).fates(execution)
    return reach
  }

  private func change(_ numbers: Int...) -> CodeChange {
    var change = CodeChange()
    change.lines = ChangedLines(lines: numbers.map { line($0) })
    return change
  }

  private let all = ["race/x", "forward/x", "failing/x", "invalidate/x/unbind", "leaks/x/unload"]

  @Test("tests that run lines which few tests run come first, and tests that remove a device come last")
  func rareFirst() {
    let known = reach([
      1: all, 2: ["race/x", "forward/x", "failing/x"], 3: ["failing/x"], 4: ["leaks/x/unload"],
    ])
    #expect(
      known.runners(all, of: change(1)) == [
        "failing/x", "race/x", "forward/x", "invalidate/x/unbind", "leaks/x/unload",
      ])
    #expect(known.runners(all, of: change(2)) == ["failing/x", "race/x", "forward/x"])
    #expect(known.runners(all, of: change(3)) == ["failing/x"])
  }

  @Test("if no test ran a line, all tests that run its function are chosen")
  func nobody() {
    let known = reach([1: ["forward/x", "failing/x"], 2: [], 3: ["failing/x"]])
    #expect(known.runners(all, of: change(2)) == ["failing/x", "forward/x"])
    #expect(known.runners(all, of: change(2, 3)) == ["failing/x", "forward/x"])
    // No test runs the function either: one test shows that the kernel works.
    #expect(reach([1: [], 2: []]).runners(all, of: change(2)) == ["race/x"])
  }

  @Test("one test of each question comes before a second test of any question")
  func questions() {
    let tests = ["forward/a/x", "forward/b/x", "forward/b/y", "calls/a/seek", "calls/b/seek"]
    let known = reach([1: tests])
    #expect(
      known.runners(tests, of: change(1)) == [
        "forward/a/x", "forward/b/y", "calls/a/seek", "forward/b/x", "calls/b/seek",
      ])
  }

  @Test("for a line that was not examined, it is not known which tests run it")
  func unknown() {
    let known = reach([1: all, 2: []])
    #expect(known.runners(all, of: change(9)) == nil)
    #expect(known.runners(all, of: nil) == nil)
  }

  @Test("for changed functions: one test of each question, the rest, and those that change the machine")
  func functions() {
    let tests = [
      "selfcheck/a", "forward/a/x", "forward/b/x", "calls/a/seek", "leaks/a/unload", "race/a/unbind", "scale/a",
    ]
    var asked = AskedTests(names: tests, isPart: false)
    let change = CodeChange(functions: [CodeChange.Function(name: "f", file: "a.c")])
    var base = Trial(
      series: nil,
      cell: Cell(kernel: "k", profile: "p", architecture: "a", toolchain: "t", extent: .boot, guest: "g"),
      seconds: [:], reused: false, result: .interrupted)
    // Nothing is known about the base yet.
    #expect(asked.inOrder(for: change, base: base) == asked)
    #expect(asked.inOrder(for: change, base: nil) == asked)

    var run = GuestRun(
      release: nil, accelerator: .tcg, ending: .completed, booted: true,
      tests: tests.map { TestResult(name: $0, status: .ok) }, reports: [], anomalies: [], lastLines: [])
    run.execution = Execution(runs: [
      "f": ["forward/b/x": 1, "forward/a/x": 2, "calls/a/seek": 1, "race/a/unbind": 1, "leaks/a/unload": 1], "g": [:],
    ])
    base.result = .ran(run)
    base.keepReach()
    let order = [
      "forward/a/x", "calls/a/seek", "forward/b/x", "selfcheck/a", "leaks/a/unload", "race/a/unbind", "scale/a",
    ]
    let ordered = asked.inOrder(for: change, base: base)
    #expect(ordered.names == order)
    #expect(ordered.isPart)
    // A selection stays a selection.
    asked.names.removeFirst(2)
    #expect(
      asked.inOrder(for: change, base: base).names == [
        "forward/b/x", "calls/a/seek", "leaks/a/unload", "race/a/unbind", "scale/a",
      ])
    // The record keeps which tests ran which function, and not how often.
    guard case .ran(let kept) = base.result else {
      Issue.record("\(base.result)")
      return
    }
    #expect(kept.execution == nil)
    #expect(base.reach?.functions == ["f": [1, 2, 3, 4, 5], "g": []])
  }

  @Test("a few tests are one of each question, and first those that do what few others do")
  func samples() {
    let tests = ["forward/a/x", "forward/b/x", "calls/a/seek", "bounds/a/y", "leaks/a/unload"]
    #expect(
      BaseReach.samples(tests, most: 9, rarity: ["bounds/a/y": 1, "forward/b/x": 2]) == [
        "bounds/a/y", "forward/b/x", "calls/a/seek",
      ])
    #expect(BaseReach.samples(tests, most: 1, rarity: [:]) == ["forward/a/x"])
    #expect(BaseReach.samples([], most: 9, rarity: [:]) == [])
    // Nothing tells them apart but their groups.
    let alike = ["forward/a/x", "forward/a/y", "forward/a/z", "bounds/a/x", "errors/a/x"]
    #expect(BaseReach.samples(alike, most: 3, rarity: [:]) == ["forward/a/x", "bounds/a/x", "errors/a/x"])
  }

  @Test("a test is as rare as the rarest way that it took")
  func rarity() {
    var execution = Execution()
    execution.probes = [
      // A condition that held in one test, in which it did not always hold.
      0: ["a": ProbeCount(hits: 9, taken: 1), "b": ProbeCount(hits: 9), "c": ProbeCount(hits: 9)],
      1: ["a": ProbeCount(hits: 1), "b": ProbeCount(hits: 1)], 2: ["c": ProbeCount(hits: 0)],
    ]
    #expect(execution.rarity == ["a": 1, "b": 2, "c": 3])
    #expect(Execution().rarity == [:])
  }

  @Test("a failed count says nothing about the order")
  func failed() {
    var run = GuestRun(
      release: nil, accelerator: .tcg, ending: .completed, booted: true, tests: [TestResult(name: "a", status: .ok)],
      reports: [], anomalies: [], lastLines: [])
    run.execution = Execution(failure: "no kprobes", runs: ["f": ["a": 1]])
    var base = Trial(
      series: nil,
      cell: Cell(kernel: "k", profile: "p", architecture: "a", toolchain: "t", extent: .boot, guest: "g"),
      seconds: [:], reused: false, result: .ran(run))
    base.keepReach()
    #expect(base.reach == nil)
  }
}
