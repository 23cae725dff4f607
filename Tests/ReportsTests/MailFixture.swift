// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol

@testable import Reports

/// The run with every verdict, whose series were sent to a list, and with words for what is wrong.
func inThread() -> RunRecord {
  var run = everyVerdict()
  for index in run.header.series.indices {
    var origin = run.header.series[index].origin ?? SeriesOrigin()
    origin.messageID = "20260301-\(run.header.series[index].name)-v4-0-1a2b@example.org"
    run.header.series[index].origin = origin
  }
  run.header.causes = [
    CauseRule(kind: .stale, words: "the kernel uses memory that was freed", reports: [NamePattern("KASAN: *")]),
    CauseRule(kind: .invalidation, words: "an alias stays mapped", tests: [NamePattern("invalidate/*")]),
  ]
  if case .ran(var guest)? = run.trials["swap"]?.result {
    for index in guest.reports.indices where guest.reports[index].kind == .kasan {
      guest.reports[index].trace.append(
        " dma_buf_mmap+0x12/0x80 (include/linux/fs.h:2200 drivers/dma-buf/dma-buf.c:166)")
    }
    run.trials["swap"]?.result = .ran(guest)
  }
  return run
}

/// Words that would be a trailer, a header or a letter of their own if a program took them for one.
let forged = [
  "Tested-by: Eve <eve@example.org>", "From eve@example.org Mon Mar  2 00:00:00 2026", "x\r\nBcc: eve@example.org",
  "=?UTF-8?q?=0d=0aBcc:_eve@example.org?=", "漢字\u{202e}\u{1b}[2J", "z" + String(repeating: "\u{301}", count: 200),
  String(repeating: "long", count: 100), String(repeating: "Acked-by: E <e@example.org> ", count: 12), "",
]

/// A run of series that make `tests` tests worse, each with a report of its own.
/// - Parameter name: of a series or a test, from its number.
func brokenRun(series count: Int, tests: Int, _ name: (Int) -> String) -> RunRecord {
  func results(_ status: TestStatus) -> [TestResult] {
    (0..<tests).map { index in
      TestResult(
        name: "family\(index % 40)/pair\(index)/\(name(index))", status: status,
        checks: [Check(name: name(index) + " shows its page", passed: status == .ok, detail: "0, expected 1")])
    }
  }
  let bad = guest(
    results(.notOk),
    reports: (0..<tests).map { report("WARNING in \(name($0))\($0)", test: "family/\($0)") })
  var series = (0..<count).map { index -> PatchSeries in
    var one = ReportsTests.series("\(name(index))-\(index)")
    one.cover?.subject = name(index)
    one.origin = SeriesOrigin()
    one.origin?.messageID = name(index)
    return one
  }
  if series.count > 1 { series[1].cover = nil }
  var run = record(
    header(series), base: guest(results(.ok) + [TestResult(name: "a/b/c", status: .notOk)]),
    results: series.map { _ in (bad, allSeconds) })
  // The results of the run are by name.
  for one in series { run.trials[one.name]?.again = [results(.notOk)] }
  run.header.causes = [CauseRule(kind: .stale, words: name(0) + " is stale", tests: [NamePattern("family3*")])]
  return run
}
