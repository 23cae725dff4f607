// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite("A line that never ran is not tested")
struct LineTests {
  private typealias Sight = LineWatch.Sight

  private func line(_ number: Int, _ place: ChangedLine.Place, function: String? = "f") -> ChangedLine {
    ChangedLine(file: "mm/a.c", number: number, text: "\tcall(\(number));", function: function, place: place)
  }

  private func watched(_ ran: [Sight], _ ways: [LineWatch.Way] = []) -> ChangedLine.Place {
    .watched(LineWatch(ran: ran, ways: ways))
  }

  private func counted(_ probes: [Int: [String: ProbeCount]], refused: [Int: String] = [:]) -> Execution {
    var execution = Execution(runs: ["f": ["a/x": 1]])
    execution.probes = probes
    execution.refused = refused
    return execution
  }

  private func fate(_ place: ChangedLine.Place, _ execution: Execution?) -> LineFate {
    LineFate(line(7, place), execution, accepted: [])
  }

  @Test("any of its addresses shows that a line ran, and one execution is counted once")
  func ran() {
    let seen = counted([0: ["a/x": ProbeCount(hits: 3)], 1: ["a/x": ProbeCount(hits: 3), "a/y": ProbeCount(hits: 1)]])
    let found = fate(watched([Sight(probe: 0), Sight(probe: 1), Sight(probe: 2)]), seen)
    #expect(found.state == .ran)
    #expect(found.runs == 4)
    #expect(found.tests == ["a/x", "a/y"])
    #expect(fate(watched([Sight(probe: 2)]), seen).state == .notRun)
  }

  @Test("if counting stopped early, the counts are minimums")
  func least() {
    var seen = counted([0: ["a/x": ProbeCount(hits: 300)], 1: ["a/x": ProbeCount(hits: 300)]])
    #expect(!fate(watched([Sight(probe: 0)]), seen).isLeast)
    seen.enough = [0]
    #expect(fate(watched([Sight(probe: 0)]), seen).isLeast)
    #expect(!fate(watched([Sight(probe: 1)]), seen).isLeast)
    #expect(
      fate(watched([Sight(probe: 1)], [LineWatch.Way(words: "to line 8", sights: [Sight(probe: 0)])]), seen).isLeast)
  }

  @Test("a condition has to take each outcome")
  func ways() {
    let both = [
      LineWatch.Way(words: "to line 8", sights: [Sight(probe: 1, taken: true)]),
      LineWatch.Way(words: "to line 9", sights: [Sight(probe: 1, taken: false)]),
    ]
    func seen(_ hits: Int, _ taken: Int) -> Execution {
      counted([0: ["a/x": ProbeCount(hits: hits)], 1: ["a/x": ProbeCount(hits: hits, taken: taken)]])
    }
    #expect(fate(watched([Sight(probe: 0)], both), seen(5, 2)).state == .ran)
    let always = fate(watched([Sight(probe: 0)], both), seen(5, 5))
    #expect(always.state == .oneWay)
    #expect(always.missing == ["to line 9"])
    #expect(fate(watched([Sight(probe: 0)], both), seen(5, 0)).missing == ["to line 8"])
    // If the line has no address of its own, that it went all ways is the only evidence.
    #expect(fate(watched([], both), seen(5, 2)).state == .ran)
    #expect(fate(watched([], both), seen(5, 5)).state == .oneWay)
    #expect(fate(watched([], both), counted([:])).state == .notRun)
  }

  @Test("if no probe could be set, nothing is known")
  func blind() {
    let refused = counted([:], refused: [0: "the kernel lets nobody stop there (EINVAL)"])
    let found = fate(watched([Sight(probe: 0)]), refused)
    #expect(found.state == .unseen)
    #expect(found.reason == "the kernel lets nobody stop there (EINVAL)")
    // One address of two is enough to show that it ran, and that it did not.
    #expect(fate(watched([Sight(probe: 0), Sight(probe: 1)]), refused).state == .notRun)
    #expect(fate(watched([Sight(probe: 0)]), nil).state == .unseen)
    #expect(fate(watched([Sight(probe: 0)]), Execution()).state == .unseen)
    var broken = counted([:])
    broken.failure = "the histogram of lines was full"
    #expect(fate(watched([Sight(probe: 0)]), broken).reason == "the histogram of lines was full")
  }

  private func judged(_ lines: [ChangedLine], _ execution: Execution?, accepted: [AcceptedLines] = []) -> Judgement {
    var change = CodeChange(
      pieces: [CodeChange.Piece(kind: .function, name: "f", file: "mm/a.c", carriers: ["f"])])
    change.lines = ChangedLines(lines: lines)
    let tests = [test("a/x", .ok)]
    return judge(
      candidate, trial: trial(.ran(guest(tests, execution: execution)), change: change),
      base: trial(.ran(guest(tests, execution: nil)), change: nil), accepted: accepted)
  }

  @Test("a series is not clean if one of its two lines did not run, and that line is named with its text")
  func oneOfTwo() {
    let lines = [line(7, watched([Sight(probe: 0)])), line(8, watched([Sight(probe: 1)])), line(9, .noCode)]
    let one = judged(lines, counted([0: ["a/x": ProbeCount(hits: 1)]]))
    #expect(one.verdict == .inconclusive)
    #expect(one.words == ["mm/a.c:8: changed, but no test ran it: `call(8);`"])
    let both = counted([0: ["a/x": ProbeCount(hits: 1)], 1: ["a/x": ProbeCount(hits: 1)]])
    #expect(judged(lines, both).verdict == .clean)
  }

  @Test(
    "what is not known to have run makes it inconclusive",
    arguments: [
      (
        ChangedLine.Place.notCompiled("#ifdef CONFIG_DMA_API_DEBUG"),
        [
          "CONFIG_DMA_API_DEBUG is off, so changed lines were never compiled: put CONFIG_DMA_API_DEBUG=y into a config "
            + "fragment of the profile",
          "mm/a.c:7: changed, but this configuration does not compile it (#ifdef CONFIG_DMA_API_DEBUG): `call(7);`",
        ]
      ),
      (.unseen("why"), ["mm/a.c:7: changed, but it cannot be seen whether it ran (why): `call(7);`"]),
    ])
  func doubts(place: ChangedLine.Place, words: [String]) {
    let judgement = judged([line(7, place)], counted([:]))
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.words == words)
  }

  @Test("lines that cannot run are not required to", arguments: [ChangedLine.Place.noCode, .sameCode, .declaration])
  func nothing(place: ChangedLine.Place) {
    #expect(judged([line(7, place)], counted([:])).verdict == .clean)
  }

  @Test("the reviewer's acceptance is enough for the lines it names, and is recorded")
  func accepted() {
    let lines = [line(7, watched([Sight(probe: 0)])), line(70, watched([Sight(probe: 1)]))]
    let word = [AcceptedLines(lines: NamePattern("mm/a.c:7*"), reason: "no driver here takes that route")]
    #expect(judged(lines, counted([:]), accepted: word).verdict == .clean)
    #expect(
      judged(lines, counted([:]), accepted: [AcceptedLines(lines: NamePattern("mm/a.c:7"), reason: "x")]).words
        == ["mm/a.c:70: changed, but no test ran it: `call(70);`"])
    #expect(LineFate(lines[0], counted([:]), accepted: word).accepted?.reason == "no driver here takes that route")
    // The acceptance does not apply if the line did run.
    let ran = LineFate(lines[0], counted([0: ["a/x": ProbeCount(hits: 1)]]), accepted: word)
    #expect(ran.accepted == nil)
  }

  @Test("a function that never ran is named before its lines, unless the reviewer has accepted all of them")
  func wholeFunction() {
    var counts = counted([:])
    counts.runs = [:]
    let lines = [line(7, watched([Sight(probe: 0)])), line(8, watched([Sight(probe: 1)]))]
    #expect(judged(lines, counts).reasons.map(\.subject) == ["f()", "mm/a.c:7", "mm/a.c:8"])
    let word = [AcceptedLines(lines: NamePattern("mm/a.c:*"), reason: "nobody takes that route")]
    #expect(judged(lines, counts, accepted: word).verdict == .clean)
  }

  @Test("code under a disabled option is not clean, although no compiled code differs")
  func sameCode() {
    var change = CodeChange()
    change.lines = ChangedLines(lines: [line(7, .notCompiled("#ifdef CONFIG_DMA_API_DEBUG")), line(8, .sameCode)])
    let off = judge(candidate, trial: trial(.sameCode, change: change), base: trial(.ran(guest([])), change: nil))
    #expect(off.verdict == .inconclusive)
    #expect(off.words.first?.contains("CONFIG_DMA_API_DEBUG") == true)
    change.lines = ChangedLines(lines: [line(8, .sameCode), line(9, .noCode)])
    let same = judge(candidate, trial: trial(.sameCode, change: change), base: trial(.ran(guest([])), change: nil))
    #expect(same.verdict == .clean)
  }

  @Test("of thousands of lines, the first are listed, with the number of the rest")
  func many() {
    let lines = (1...5000).map { line($0, watched([Sight(probe: $0)])) }
    let judgement = judged(lines, counted([:]))
    #expect(judgement.reasons.count == 41)
    #expect(judgement.words.last == "4960 more changed lines are not known to have run")
  }
}
