// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing
import Verdicts

@Suite("Known kernel reports")
struct KnownReportTests {
  private let today = Date(timeIntervalSince1970: 1_800_000_000)

  private func verdict(_ pattern: String, expires: Date, report: String = "WARNING in f") throws -> Judgement {
    let known = KnownReport(report: NamePattern(pattern), reason: "old", link: "https://example.org", expires: expires)
    var header = RunHeader(
      cell: here, versions: RunHeader.Versions(source: "s", toolchain: "gcc", emulator: "qemu", patchbench: "0"),
      accelerator: .kvm,
      reason: "", processors: 1, series: [candidate])
    header.known = [known]
    let tests = [test("a/x", .ok)]
    var mine = trial(.ran(guest(tests, reports: [report])))
    mine.series = candidate.name
    let kinds: [BenchEvent.Kind] = [
      .runStarted(header), .trialFinished(trial(.ran(guest(tests)))), .trialFinished(mine),
      .runFinished(interrupted: false),
    ]
    let record = try #require(RunRecord(kinds.map { BenchEvent(at: today, kind: $0) }))
    return try #require(judge(record).first)
  }

  @Test("do not count against a series, and are still shown")
  func known() throws {
    let judgement = try verdict("WARNING in *", expires: today.addingTimeInterval(1))
    #expect(judgement.verdict == .clean)
    #expect(judgement.reports.map { $0.known?.reason } == ["old"])
    #expect(judgement.newReports == 0)
  }

  @Test("count again once they expire")
  func expired() throws {
    #expect(try verdict("WARNING in *", expires: today).verdict == .regresses)
  }

  @Test("do not hide other reports")
  func other() throws {
    #expect(try verdict("WARNING in g", expires: today.addingTimeInterval(1)).verdict == .regresses)
  }
}
