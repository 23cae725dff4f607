// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Reports

@Suite struct JobSummaryTests {
  private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  private func checkShape(_ text: String) {
    #expect(text.hasSuffix("\n"))
    #expect(lines(text).count - 1 <= JobSummary.most)
    // GitHub takes one megabyte of each step.
    #expect(text.utf8.count < 100_000)
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x202e })
    let rows = lines(text).filter { $0.hasPrefix("|") }.map { $0.replacing("\\|", with: "").count { $0 == "|" } }
    #expect(Set(rows).count <= 1)
  }

  @Test func itFitsWhateverWasRun() {
    // Judging many series takes seconds, and each name is short or long whatever their number.
    for (count, names, cells) in [(1, forged, 12), (30, forged, 2), (300, Array(forged.prefix(1)), 1)] {
      for name in names {
        let report = Report(record: brokenRun(series: count, tests: 1) { _ in name })
        checkShape(JobSummary(report).text)
        checkShape(JobSummary(Matrix((1...cells).map { ("\($0)", report) })).text)
      }
    }
    checkShape(JobSummary(Report(record: hostileRun())).text)
    checkShape(JobSummary(hostileForms()).text)
  }

  @Test func theAnswerComesFirst() {
    let text = JobSummary(Report(record: formRun())).text
    #expect(text.hasPrefix("# patchbench: linux-6.12, profile kasan\n\nOf 11 series, share fixes "))
    #expect(text.contains("| ✗ **regresses** | `swap` |"))
    #expect(text.contains("- `untested`: "))
    #expect(!text.contains("- `share`: "))
  }

  @Test func aCellThatWasNotRunIsTold() {
    let text = JobSummary(formMatrix()).text
    let cells = "linux-6.12/kasan | linux-6.1/kasan | linux-6.12/nommu | linux-7.3/kasan"
    #expect(text.contains("| Verdict | Series | \(cells) |"))
    #expect(text.contains("- linux-7.3/kasan was not run: stopped before anything was tested"))
    #expect(text.contains("- `untested`, linux-6.12/kasan: "))
  }

  @Test func aBaseThatFailedIsTold() {
    let run = record(header([series("a")]), base: guest([plain], ending: .stoppedEarly), results: [])
    let text = JobSummary(Report(record: run)).text
    #expect(text.contains("**No series can be compared with it**: the base does not complete"))
  }
}
