// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing
import Verdicts

@Suite struct CellTests {
  private var buildOnly: Cell {
    var cell = here
    cell.extent = .build
    return cell
  }

  /// A change that is known to be completely compiled.
  private var compiled: CodeChange {
    var change = changed
    change.lines = ChangedLines(lines: [
      ChangedLine(
        file: "drivers/x.c", number: 8, text: "y++;", follows: false, function: "f",
        place: .watched(LineWatch(ran: [LineWatch.Sight(probe: 0)])))
    ])
    return change
  }

  @Test func whatBuildsWhereNothingIsBootedIsClean() {
    let judgement = judge(
      candidate, trial: trial(.built, cell: buildOnly, change: compiled), base: trial(.built, cell: buildOnly))
    #expect(judgement.verdict == .clean)
    #expect(judgement.stage == .done)
    #expect(judgement.reasons.map(\.text) == ["it builds; nothing is booted in this cell"])
  }

  /// A build says nothing about code that it leaves out.
  @Test func whatIsNotCompiledIsInDoubt() {
    var change = changed
    change.notCompiled = ["drivers/y.c"]
    let line = ChangedLine(
      file: "drivers/x.c", number: 7, text: "x++;", follows: false, function: "f", place: .notCompiled("CONFIG_Y"))
    let seen = ChangedLine(
      file: "drivers/x.c", number: 8, text: "y++;", follows: false, function: "f",
      place: .watched(LineWatch(ran: [LineWatch.Sight(probe: 0)])))
    change.lines = ChangedLines(lines: [line, seen])
    let judgement = judge(
      candidate, trial: trial(.built, cell: buildOnly, change: change), base: trial(.built, cell: buildOnly))
    #expect(judgement.verdict == .inconclusive)
    // The line that is compiled and cannot have run is not in doubt.
    #expect(judgement.reasons.map(\.subject) == ["drivers/y.c", nil, "drivers/x.c:7"])
  }

  /// A build alone is no evidence: it must be known to contain the whole change.
  @Test func whatIsNotKnownToBeCompiledIsInDoubt() {
    var failed = compiled
    failed.lines?.failure = "its sources change in more than 20000 lines"
    for (change, words) in [
      (nil, "it is unknown what the series changes in the compiled code"),
      (changed, "it is unknown which of its lines are compiled"),
      (failed, "it is unknown which of its lines are compiled: its sources change in more than 20000 lines"),
    ] as [(CodeChange?, String)] {
      let judgement = judge(
        candidate, trial: trial(.built, cell: buildOnly, change: change), base: trial(.built, cell: buildOnly))
      #expect(judgement.verdict == .inconclusive)
      #expect(judgement.reasons.map(\.text) == [words])
    }
  }

  @Test(arguments: [nil, trial(.built), trial(.interrupted)]) func withoutItsBaseItIsComparedWithNothing(
    _ base: Trial?
  ) {
    let judgement = judge(candidate, trial: trial(.built, cell: buildOnly), base: base)
    #expect(judgement.verdict == .inconclusive)
  }

  @Test func anOldCellIsRead() throws {
    let text = Data(#"{"guest":"q35","kernel":"linux-6.12","profile":"kasan"}"#.utf8)
    #expect(try JSONDecoder().decode(Cell.self, from: text) == here)
    #expect(try JSONDecoder().decode(Cell.self, from: JSONEncoder().encode(buildOnly)) == buildOnly)
  }

  @Test func wordsSayWhatIsUnusual() {
    #expect(here.words == "linux-6.12, profile kasan, guest q35")
    var cell = buildOnly
    cell.toolchain = "clang"
    #expect(cell.words == "linux-6.12, profile kasan, clang, built only")
  }
}
