// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing
import Verdicts

@testable import Bench

@Suite("Which tests are asked of a changed line")
struct BaseReachTests {
  private func line(_ number: Int, function: String = "f") -> ChangedLine {
    ChangedLine(
      file: "a.c", number: number, text: "x++;", follows: false, function: function,
      place: .watched(LineWatch(ran: [LineWatch.Sight(probe: number)])))
  }

  /// Of a base on which each of these lines was run by these tests.
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

  @Test("those that go where few go come first, and those that take a device last")
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

  @Test("of a line that nobody ran all those are asked that run its function")
  func nobody() {
    let known = reach([1: ["forward/x", "failing/x"], 2: [], 3: ["failing/x"]])
    #expect(known.runners(all, of: change(2)) == ["failing/x", "forward/x"])
    #expect(known.runners(all, of: change(2, 3)) == ["failing/x", "forward/x"])
    // Nobody runs the function either: one says that the kernel lives.
    #expect(reach([1: [], 2: []]).runners(all, of: change(2)) == ["race/x"])
  }

  @Test("one test of each question comes before the next of any")
  func questions() {
    let tests = ["forward/a/x", "forward/b/x", "forward/b/y", "calls/a/seek", "calls/b/seek"]
    let known = reach([1: tests])
    #expect(
      known.runners(tests, of: change(1)) == [
        "forward/a/x", "forward/b/y", "calls/a/seek", "forward/b/x", "calls/b/seek",
      ])
  }

  @Test("a line that nobody looked at says nothing of who would run it")
  func unknown() {
    let known = reach([1: all, 2: []])
    #expect(known.runners(all, of: change(9)) == nil)
    #expect(known.runners(all, of: nil) == nil)
  }
}
