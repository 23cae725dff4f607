// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Reports

@Suite struct ComparisonTests {
  private func difference(_ then: RunRecord, _ now: RunRecord) -> RunsDifference {
    RunsDifference(then: [then], now: [now])
  }

  /// The second run has a newer kernel, in which one series breaks, one is gone and one is new.
  private func moved() -> RunsDifference {
    let base = guest([plain, aliases(.notOk, dmaBuf: false, forwarded: false)])
    let good = guest([plain, aliases(.ok, dmaBuf: true, forwarded: true)])
    let bad = guest(
      [plain, aliases(.crash, dmaBuf: false, forwarded: false)],
      reports: [report("WARNING in dma_buf_mmap", test: unbind)])
    let then = record(
      header([series("share-v3"), series("gone"), series("calm")]), base: base,
      results: [(good, allSeconds), (good, allSeconds), (base, allSeconds)])
    var now = record(
      header([series("share-v4"), series("calm"), series("new")]), base: base,
      results: [(bad, allSeconds), (base, allSeconds), (good, allSeconds)])
    now.header.source = "Debian linux-source-6.12 6.12.120"
    return difference(then, now)
  }

  @Test func theTerminalSaysWhatDiffersAndNothingElse() {
    #expect(
      ComparisonReport.terminal(moved(), color: false, width: 110) == """
        linux-6.12, profile kasan, guest q35
          base moved: source Debian linux-source-6.12 6.12.117-1~deb12u1 → Debian linux-source-6.12 6.12.120
          share-v3 → share-v4: fixes → regresses
            newly worse: invalidate/virtio_gpu-to-vgem/unbind
            no longer fixed: invalidate/virtio_gpu-to-vgem/unbind
            new kernel report: WARNING in dma_buf_mmap
          calm: clean, as before
          gone: only in the earlier run, fixes
          new: only in the later run, fixes

        Worse than before: share-v4.

        """)
    let run = everyVerdict()
    let same = ComparisonReport.terminal(difference(run, run), color: false)
    #expect(same.contains("  share: fixes, as before\n"))
    // Some of its series were never judged.
    #expect(same.hasSuffix("Not everything can be compared: 2 series cannot be compared.\n"))
  }

  @Test func testsWithOneQuestionAreOneLine() {
    let then = brokenRun(series: 1, tests: 0) { "q\($0)" }
    let now = brokenRun(series: 1, tests: 90) { _ in "q" }
    #expect(difference(then, now).cells[0].series[0].uncompared == 90)
    var healed = now
    healed.trials["q-0"]?.again = nil
    if case .ran(let base)? = healed.base?.result { healed.trials["q-0"]?.result = .ran(base) }
    let text = ComparisonReport.terminal(difference(healed, now), color: false)
    #expect(text.contains("newly worse: family0/*/q (3 tests)\n"))
    #expect(text.contains("newly worse: 28 more, which --json lists\n"))
    #expect(text.split(separator: "\n").count < 40)
  }

  @Test func hostileTextIsOnlyText() async throws {
    var other = hostileRun()
    other.header.source = hostile
    other.header.cell.kernel = hostile
    for (then, now) in [(hostileRun(), other), (everyVerdict(), hostileRun())] {
      let text = ComparisonReport.terminal(difference(then, now), color: false)
      #expect(!text.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || $0.value == 0x202e })
      #expect(text.split(separator: "\n").count > 5)
      for line in text.split(separator: "\n") { #expect(Columns.width(of: String(line)) <= 110) }
    }
    let coloured = ComparisonReport.terminal(moved(), color: true)
    #expect(coloured.replacing(/\u{1b}\[[0-9;]*m/, with: "") == ComparisonReport.terminal(moved(), color: false))
  }

  @Test func theJSONIsAsItsSchemaSays() async throws {
    var other = everyVerdict()
    other.header.cell.kernel = hostile
    let gap = CellGap(kernel: "linux-6.12", profile: "kasan", reason: hostile)
    let all = [
      moved(), difference(everyVerdict(), hostileRun()), RunsDifference(then: [], now: [everyVerdict()]),
      RunsDifference(then: [everyVerdict(), everyVerdict()], now: [other], gaps: [gap]),
      difference(brokenRun(series: 2, tests: 9) { "\($0)" }, brokenRun(series: 1, tests: 8) { "\($0)" }),
    ]
    for one in all {
      let text = try ComparisonReport.json(one)
      #expect(try await Validator.complaints(about: text, by: Validator.schema("compare")) == "")
    }
    let text = try ComparisonReport.json(moved())
    for wound in [
      ("\"gotWorse\" : true", "\"gotWorse\" : 1"), ("\"compare\"", "\"run\""), ("\"obstacle\" : null,", ""),
    ] {
      #expect(text.contains(wound.0))
      let wrong = text.replacing(wound.0, with: wound.1)
      #expect(try await Validator.complaints(about: wrong, by: Validator.schema("compare")) != "")
    }
  }
}
