// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Reports
import SystemPackage
import TestSupport
import Testing

@testable import Bench
@testable import patchbench

@Suite("The report of several runs, made again from their records")
struct MatrixReportTests {
  private let scratch: Scratch
  private static let record = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "BenchTests/Fixtures/record-1.jsonl")

  init() throws {
    scratch = try Scratch()
    for profile in ["kasan", "nommu"] {
      try scratch.write(
        "linux-6.12-\(profile)/plan.json",
        """
        {"format": 1, "kernel": "linux-6.12", "profile": "\(profile)", "series": [], "tests": [], "repeats": 1,
         "retries": 0, "accelerator": "tcg", "fresh": false, "keepsMemory": false, "cache": "/nowhere"}
        """)
    }
    try FileManager.default.copyItem(
      atPath: Self.record.path, toPath: scratch.path.pushing(FilePath("linux-6.12-kasan/events.jsonl")).string)
  }

  private func matrix(gaps: [CellGap]?) throws -> Matrix {
    try RecordedMatrix(runs: ["linux-6.12-kasan", "linux-6.12-nommu"], gaps: gaps).write(in: scratch.path)
    return try #require(try ReportFiles.matrix(in: scratch.path))
  }

  @Test("a cell that the command did not get to is a gap", arguments: [nil, []] as [[CellGap]?])
  func isNotBegun(gaps: [CellGap]?) throws {
    let matrix = try matrix(gaps: gaps)
    #expect(matrix.gaps == [.stopped(kernel: "linux-6.12", profile: "nommu")])
    let cells = try #require(matrix.rows.first).cells
    #expect(cells.map(\.profile) == ["kasan", "nommu"])
    #expect(cells[0].verdict != nil && cells[1].verdict == nil)
    #expect(matrix.exitStatus == 3)
  }

  @Test("a cell that could not be run keeps its reason")
  func couldNotBeRun() throws {
    let gap = CellGap(kernel: "linux-6.12", profile: "nommu", reason: "no compiler")
    #expect(try matrix(gaps: [gap]).gaps == [gap])
  }

  @Test("a cell that was run after the command was resumed is no gap")
  func wasResumed() throws {
    let gaps = ["kasan", "nommu"].map { CellGap.stopped(kernel: "linux-6.12", profile: $0) }
    #expect(try matrix(gaps: gaps).gaps == [gaps[1]])
  }

  @Test("one run is not several") func isOneRun() throws {
    #expect(try ReportFiles.matrix(in: scratch.path.appending("linux-6.12-kasan")) == nil)
  }
}
