// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

@Suite("The table of a terminal") struct TerminalTests {
  private func lines(_ record: RunRecord, width: Int = 80) -> [String] {
    Report(record: record).terminal(color: false, width: width).split(separator: "\n").map(String.init)
  }

  /// The table's heading, and the row of a series.
  private func table(_ record: RunRecord, width: Int = 80) throws -> (head: String, rows: [String]) {
    let lines = lines(record, width: width)
    let start = try #require(lines.firstIndex { $0.hasPrefix("SERIES") })
    let rows = lines[(start + 1)...].prefix { !$0.hasPrefix("run: ") }.filter { !$0.hasPrefix("  ") }
    return (lines[start], Array(rows))
  }

  @Test("no line is wider than the terminal", arguments: [60, 72, 80, 110])
  func fits(width: Int) {
    for record in [everyVerdict(), hostileRun(), oddTimes()] {
      for line in lines(record, width: width) { #expect(Columns.width(of: line) <= width, "\(line)") }
    }
  }

  @Test("what is zero for every series has no column")
  func idleColumns() throws {
    let clean = record(
      header([series("a"), series("b")]), base: guest([plain]),
      results: [(guest([plain]), allSeconds), (.sameCode, StageSeconds())])
    #expect(try table(clean).head.split(separator: " ") == ["SERIES", "VERDICT", "SAME", "TIME"])
    let reused = record(header([series("a")]), base: guest([plain]), results: [(.interrupted, StageSeconds())])
    #expect(try table(reused).head.split(separator: " ") == ["SERIES", "VERDICT"])
    let head = try table(everyVerdict(), width: 140).head
    #expect(head.split(separator: " ").dropFirst(2) == ["SAME", "FIXED", "WORSE", "MISSING", "REPORTS", "TIME"])
  }

  @Test("a test that is new and bad counts as worse")
  func newAndBad() throws {
    let bad = TestResult(name: "a/b", status: .notOk)
    let worse = record(
      header([series("a")]), base: guest([plain]), results: [(guest([plain, bad]), allSeconds)])
    let (head, rows) = try table(worse)
    #expect(head.split(separator: " ").dropFirst(2) == ["SAME", "WORSE", "TIME"])
    #expect(rows[0].split(separator: " ").prefix(5) == ["a", "✗", "regresses", "1", "1"])
  }

  @Test("on a narrow terminal, counts go before names do")
  func narrow() throws {
    var every = everyVerdict()
    every.header.series[1].name = "virtio-gpu-share-address-space"
    let (head, rows) = try table(every)
    #expect(rows.allSatisfy { !$0.contains("…") })
    #expect(head.split(separator: " ").dropFirst(2) == ["SAME", "FIXED", "WORSE", "TIME"])
  }

  @Test("the best verdict comes first, and each has a shape of its own")
  func order() throws {
    let rows = try table(everyVerdict()).rows
    let verdicts = rows.map { $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " ") }
    #expect(
      verdicts == ["★ fixes", "✓ clean", "✓ clean"] + Array(repeating: "? inconclusive", count: 4) + [
        "✗ regresses", "⊘ does-not-boot", "⊘ does-not-build", "⊘ does-not-apply",
      ])
  }

  @Test("verdicts differ in colour, in word and in shape")
  func looks() {
    let verdicts: [Verdict] = [.clean, .fixes, .regresses, .inconclusive]
    let paint = Paint(isOn: true)
    #expect(Set(verdicts.map { paint.verdict("x", $0) }).count == verdicts.count)
    #expect(Set(verdicts.map(\.shape)).count == verdicts.count)
    #expect(Set(verdicts.map(\.rawValue)).count == verdicts.count)
  }

  @Test("below a series that is worse stands the cause in words, and how many more there are")
  func causes() throws {
    var every = everyVerdict()
    every.header.causes = [
      CauseRule(kind: .dies, words: "mmap kills the process", tests: [NamePattern("access/*")]),
      CauseRule(kind: .stale, words: "freed memory is used", reports: [NamePattern("KASAN: *")]),
    ]
    let lines = lines(every)
    let row = try #require(lines.firstIndex { $0.hasPrefix("swap ") })
    let cause = lines[row + 1]
    #expect(cause.hasPrefix("  the guest does not complete: the kernel panicked"))
    #expect(cause.hasSuffix(" other causes)"))
    #expect(Columns.width(of: cause) <= 80)
  }

  @Test("the last line says which series is what, with its words whole")
  func sentence() {
    let every = everyVerdict()
    let text = Report(record: every).terminal(color: false, width: 40)
    let end = text.split(separator: "\n\n").last.map { $0.split(separator: "\n") } ?? []
    #expect(end.count > 2)
    let sentence = Summary.sentence(Report(record: every).judgements)
    #expect(end.joined(separator: " ") == sentence)
    #expect(sentence.hasPrefix("Of 11 series, share fixes what fails on the base; 2 (leave and comment) make"))
  }

  @Test("a run without series has neither a table nor a sentence")
  func onlyBase() {
    let text = Report(record: record(header([]), base: guest([plain]), results: [])).terminal(color: false)
    #expect(!text.contains("SERIES") && !text.contains("There is no series"))
  }

  @Test(arguments: [
    ("virtio-gpu-share-the-device-address-space", 30, "virtio-gpu-share…address-space"), ("short", 5, "short"),
    ("shorter", 5, "sh…er"), ("漢字漢字漢字", 7, "漢字…字"), ("abc", 1, "…"), ("abc", 0, ""), ("a--------z", 5, "a…z"),
  ])
  func namesLoseTheirMiddle(name: String, limit: Int, expected: String) {
    #expect(Columns.middle(name, to: limit) == expected)
    #expect(Columns.width(of: Columns.middle(name, to: limit)) <= limit)
  }

  @Test(arguments: [
    ("one two three", 7, ["one two", "three"]), ("one", 80, ["one"]), ("", 80, []),
    ("a verylongword b", 6, ["a", "ver…rd", "b"]),
  ])
  func linesBreakBetweenWords(text: String, limit: Int, expected: [String]) {
    #expect(Columns.wrap(text, to: limit) == expected)
  }
}
