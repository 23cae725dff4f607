// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing
import Verdicts

@testable import History

@Suite struct FoldTests {
  private func run(_ tests: [TestResult], reports: [String] = []) -> TrialResult {
    .ran(
      GuestRun(
        release: "6.12.1", accelerator: .tcg, ending: .completed, booted: true, tests: tests,
        reports: reports.map { KernelReport(title: $0, kind: .warning, trace: [$0], test: nil) }, anomalies: [],
        lastLines: []))
  }

  private func trial(_ series: String?, _ result: TrialResult) -> Trial {
    Trial(series: series, cell: Nights.cell, seconds: [.tests: 7], reused: false, result: result)
  }

  private func record(_ trials: [Trial], of names: [String], finished: Bool = true) throws -> RunRecord {
    let header = RunHeader(
      cell: Nights.cell,
      versions: RunHeader.Versions(source: "src", toolchain: "gcc", emulator: "QEMU", patchbench: "1"),
      accelerator: .tcg, reason: "", processors: 2, series: names.map { PatchSeries(name: $0, patches: []) })
    let events =
      [BenchEvent(at: Nights.date(0), kind: .runStarted(header))]
      + trials.map { BenchEvent(at: Nights.date(0) + 60, kind: .trialFinished($0)) }
      + (finished ? [BenchEvent(at: Nights.date(0) + 90, kind: .runFinished(interrupted: false))] : [])
    return try #require(RunRecord(events))
  }

  private let base = [
    TestResult(name: "a/x", status: .ok), TestResult(name: "a/y", status: .notOk),
    TestResult(name: "b/x", status: .skip, reason: "no device"),
  ]

  @Test("only what differs from the base is kept of a series, and of the base what is not ok")
  func folded() throws {
    var series = base
    series[0].status = .notOk
    var tried = trial("fix-v2", run(series, reports: ["WARNING in f"]))
    tried.again = [[series[0]], [series[0]]]
    tried.baseAgain = [[base[0]], [base[0]]]
    let row = RunRow(
      try record([trial(nil, run(base)), tried], of: ["fix-v2"]), id: "id", directory: "/r", command: "/r",
      patches: ["fix-v2": ["d", "e"]])
    #expect(row.finished == Nights.date(0) + 90)
    #expect(row.ground.release == "6.12.1")
    #expect(row.trials.map { $0.results.map(\.test) } == [["a/y", "b/x"], ["a/x"]])
    #expect(row.trials.map(\.plan) == [["a/x", "a/y", "b/x"], ["a/x", "a/y", "b/x"]])
    let result = row.trials[1].results[0]
    #expect(result.change == .regressed && result.isWorse)
    #expect(result.tries == Tries(ok: 0, of: 3) && result.baseTries == Tries(ok: 3, of: 3))
    #expect(row.trials[1].series?.lineage == "fix")
    #expect(row.trials[1].series?.version == 2)
    #expect(row.trials[1].series?.patches == ["d", "e"])
    #expect(row.trials[1].verdict == .regresses)
    #expect(row.trials[1].reports == [ReportRow(title: "WARNING in f", count: 1, isNew: true)])
    #expect(row.trials[0].seconds == 7)
  }

  @Test("a trial that ended at its first regression says nothing of the tests behind it")
  func cut() throws {
    var series = base
    series[0].status = .notOk
    var tried = trial("a", run([series[0]]))
    tried.cutShort = .test("a/x", reason: "r")
    let row = RunRow(
      try record([trial(nil, run(base)), tried], of: ["a"]), id: "id", directory: "/r", command: "/r")
    #expect(row.trials[1].plan == ["a/x"])
    #expect(row.trials[1].results.map(\.test) == ["a/x"])
  }

  @Test("a run that was stopped has rows only for what it finished")
  func stopped() throws {
    let row = RunRow(
      try record([trial(nil, run(base)), trial("a", run(base))], of: ["a", "b"], finished: false), id: "id",
      directory: "/r", command: "/r")
    #expect(row.finished == nil)
    #expect(row.trials.map(\.series?.name) == [nil, "a"])
  }

  @Test("a change-id joins what has no name in common")
  func lineage() {
    var one = PatchSeries(name: "dma-buf-mmap", patches: [])
    one.origin = SeriesOrigin()
    one.origin?.changeID = "20261102-topic-1a2b3c"
    var two = one
    two.name = "another-name-v2"
    #expect(SeriesRow(one, patches: []).lineage == SeriesRow(two, patches: []).lineage)
  }
}
