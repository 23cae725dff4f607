// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@Suite("Code that never ran was not tested")
struct ReachedTests {
  private let tests = [test("a/x", .ok)]

  private func judged(
    _ change: CodeChange?, _ execution: Execution?, tests: [TestResult]? = nil, base: [TestResult]? = nil
  ) -> Judgement {
    judge(
      candidate, trial: trial(.ran(guest(tests ?? self.tests, execution: execution)), change: change),
      base: trial(.ran(guest(base ?? self.tests, execution: nil)), change: nil))
  }

  private func piece(_ name: String, _ carriers: [String], _ kind: CodeChange.Piece.Kind = .function)
    -> CodeChange.Piece
  {
    CodeChange.Piece(kind: kind, name: name, file: "mm/\(name).c", carriers: carriers)
  }

  @Test("changed code that ran is clean")
  func reached() {
    #expect(judged(changed, ran).verdict == .clean)
    let inlined = CodeChange(pieces: [piece("g", ["f", "h"])])
    #expect(judged(inlined, ran).verdict == .clean)
  }

  @Test("changed code that no test ran is named, and never clean")
  func notReached() {
    let change = CodeChange(pieces: [piece("f", ["f"]), piece("rare", ["rare"])])
    let judgement = judged(change, ran)
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.words == ["rare(): changed in mm/rare.c, but no test ran it"])
    #expect(
      judged(CodeChange(pieces: [piece("g", ["h", "i"])]), ran).words == [
        "g(): changed in mm/g.c, inlined into 2 functions, but no test ran any of them"
      ])
    #expect(
      judged(CodeChange(pieces: [piece("", ["h"], .declarations)]), ran).words == [
        "declarations in mm/.c: changed, used by 1 function, but no test ran any of them"
      ])
  }

  @Test("a fixed test does not make up for it")
  func fixed() {
    let judgement = judged(
      CodeChange(pieces: [piece("rare", ["rare"])]), ran, base: [test("a/x", .notOk)])
    #expect(judgement.verdict == .inconclusive)
  }

  @Test("a regression is a regression, whatever ran")
  func worse() {
    let judgement = judged(
      CodeChange(pieces: [piece("rare", ["rare"])]), ran, tests: [test("a/x", .notOk)])
    #expect(judgement.verdict == .regresses)
  }

  @Test("code that cannot be counted does not count as reached")
  func notCounted() {
    let change = CodeChange(pieces: [piece("quiet", ["quiet"])])
    let judgement = judged(change, Execution(runs: ran.runs, untraceable: ["quiet"]))
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.words == ["quiet(): changed in mm/quiet.c, but the kernel cannot count whether it runs"])
    #expect(judged(changed, Execution(failure: "no tracefs", runs: ran.runs)).verdict == .inconclusive)
    #expect(judged(changed, nil).verdict == .inconclusive)
    #expect(judged(nil, ran).verdict == .inconclusive)
  }

  @Test("a file that is not compiled here is named")
  func notCompiled() {
    let change = CodeChange(pieces: changed.pieces, functions: changed.functions, notCompiled: ["drivers/i915.c"])
    #expect(judged(change, ran).verdict == .inconclusive)
    #expect(judged(change, ran).words == ["drivers/i915.c: changed, but this configuration does not compile it"])
  }

  @Test("code that differs without a source change has to run too")
  func consequence() {
    let other = CodeChange(functions: [CodeChange.Function(name: "h", file: "mm/h.c")])
    #expect(judged(other, ran).verdict == .inconclusive)
    #expect(judged(other, ran).words == ["no test is known to have run the change: h()"])
    #expect(judged(CodeChange(functions: changed.functions), ran).verdict == .clean)
    #expect(judged(CodeChange(unexamined: ["arch/x86/entry.o"]), ran).verdict == .inconclusive)
    // Assembly is not counted, whatever else ran; a makefile's effect shows in its objects.
    let both = { CodeChange(pieces: changed.pieces, functions: changed.functions, unexamined: [$0]) }
    #expect(judged(both("arch/x86/entry.S"), ran).verdict == .inconclusive)
    #expect(judged(both("mm/Makefile"), ran).verdict == .clean)
  }

  @Test("no compiled change is clean without a guest, whatever the base did")
  func sameCode() {
    let none = judge(candidate, trial: trial(.sameCode, change: CodeChange()), base: nil)
    #expect(none.verdict == .clean)
    #expect(none.words == ["no compiled change: there was nothing to boot"])
    let elsewhere = judge(candidate, trial: trial(.sameCode, change: CodeChange(notCompiled: ["a.c"])), base: nil)
    #expect(elsewhere.verdict == .inconclusive)
  }

  @Test("a piece is reported by its own function if that ran, otherwise by the one that ran most")
  func carriers() {
    let execution = Execution(runs: ["f": ["a": 1], "g": ["a": 5, "b": 5], "h": ["a": 2]])
    let change = CodeChange(pieces: [piece("f", ["f", "g"]), piece("x", ["g", "h"]), piece("y", ["y", "h"])])
    let reached = change.reached(execution)
    #expect(reached.map(\.carrier) == ["f", "g", "h"])
    #expect(reached.map(\.runs) == [1, 10, 2])
    #expect(reached.map(\.tests) == [1, 2, 1])
    #expect(reached.allSatisfy { $0.state == .ran })
  }

  @Test("the counts of fresh guests are added up")
  func added() {
    let sum = Execution(runs: ["f": ["a": 1]]).adding(
      Execution(failure: "late", runs: ["f": ["a": 2, "b": 3], "g": ["b": 1]], untraceable: ["q"]))
    #expect(sum == Execution(failure: "late", runs: ["f": ["a": 3, "b": 3], "g": ["b": 1]], untraceable: ["q"]))
    #expect(sum.count("f") == 6)
    #expect(sum.count("nothing") == 0)
  }
}
