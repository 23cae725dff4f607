// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Verdicts

@testable import History

/// Some nights of one cell, an hour each.
enum Nights {
  static let tests = ["a/x", "a/y", "b/x"]
  static let cell = Cell(
    kernel: "linux-6.12", profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")

  static func cell(of kernel: String) -> Cell {
    var cell = cell
    cell.kernel = kernel
    return cell
  }

  static func ground(_ source: String = "6.12.1") -> RunRow.Ground {
    RunRow.Ground(
      source: source, revision: nil, release: "6.12.1", toolchain: "gcc 12", emulator: "QEMU 7", accelerator: .tcg,
      patchbench: "1", conditions: nil)
  }

  static func date(_ night: Int) -> Date { Date(timeIntervalSince1970: 1_700_000_000 + Double(night) * 86_400) }

  static func base(_ failing: [String] = []) -> TrialRow {
    TrialRow(
      series: nil, verdict: nil, reason: "", seconds: 20, isReused: false, plan: tests,
      results: failing.map {
        ResultRow(
          test: $0, status: .notOk, change: nil, tries: Tries(ok: 0, of: 1), baseTries: Tries(ok: 0, of: 1),
          isWorse: false, reason: "r")
      }, reports: [])
  }

  static func series(
    _ name: String, _ verdict: Verdict, worse: [String] = [], fixed: [String] = [], flaky: [String] = [],
    reports: [String] = [], seconds: Double = 40
  ) -> TrialRow {
    func result(_ test: String, _ status: TestStatus, _ change: Change, _ tries: Tries) -> ResultRow {
      ResultRow(
        test: test, status: status, change: change, tries: tries, baseTries: Tries(ok: 4, of: 4),
        isWorse: change == .regressed, reason: "r")
    }
    var patches = PatchSeries(name: name, patches: [])
    patches.origin = SeriesOrigin()
    patches.origin?.messageID = "\(name)@example.org"
    return TrialRow(
      series: SeriesRow(patches, patches: ["id of \(name)"]), verdict: verdict, reason: "because", seconds: seconds,
      isReused: false,
      plan: tests,
      results: worse.map { result($0, .notOk, .regressed, Tries(ok: 0, of: 4)) }
        + fixed.map { result($0, .ok, .fixed, Tries(ok: 4, of: 4)) }
        + flaky.map { result($0, .ok, .flaky, Tries(ok: 3, of: 4)) },
      reports: reports.map { ReportRow(title: $0, count: 2, isNew: true) })
  }

  static func run(
    _ night: Int, _ trials: [TrialRow], source: String = "6.12.1", cell: Cell = Nights.cell, hour: Int = 0
  ) -> RunRow {
    RunRow(
      id: "run-\(night)-\(cell.kernel)-\(cell.profile)-\(hour)", directory: "/results/\(night)/\(cell.kernel)",
      command: "/results/\(night)", cell: cell, started: date(night) + Double(hour) * 3600,
      finished: date(night) + Double(hour) * 3600 + 600, isPart: false, ground: ground(source), trials: trials)
  }
}
