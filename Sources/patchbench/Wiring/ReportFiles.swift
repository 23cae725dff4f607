// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Reports
import SystemPackage
import Toolbox

/// The report files in a run's directory.
enum ReportFiles {
  /// Renders the reports into a run's directory at the end of the run. The record and the reports also say how long
  /// rendering took.
  /// - Returns: the report; `nil` if the record has no run.
  static func write(_ directory: RunDirectory) async throws -> Report? {
    // If a run was stopped before it began, there is no directory.
    guard FileManager.default.fileExists(atPath: directory.events.string),
      var record = RunRecord(try EventRecord.read(directory.events))
    else { return nil }
    let claim = try directory.claim()
    defer { directory.release(claim) }
    // Rendered twice, because a report cannot contain the time that it took to render. The second rendering is written,
    // and is what `patchbench report` makes of the record.
    let begun = ContinuousClock.now
    _ = try await render(Report(record: record))
    let seconds = (.now - begun) / .seconds(1)
    record.reportSeconds = seconds
    let report = Report(record: record)
    for (suffix, text) in try await render(report) {
      try DurableFile.write(text.utf8, to: directory.report(suffix))
    }
    // Last, so that the reports are written even if the record cannot be.
    try EventRecorder(directory.events).take(BenchEvent(at: Date(), kind: .reported(seconds: seconds)))
    return report
  }

  /// Writes what several runs say together into the directory above theirs.
  /// - Returns: the files.
  static func write(_ matrix: Matrix, in directory: FilePath) throws -> [FilePath] {
    try Reporters.files.compactMap { reporter in
      guard let suffix = reporter.suffix else { return nil }
      let path = directory.appending("report.\(suffix)")
      try DurableFile.write(try reporter.text(of: matrix, on: .file).utf8, to: path)
      return path
    }
  }

  /// Reads the runs of one command again.
  ///
  /// A run that ended before anything was tested, or was not begun, is a gap like a cell that could not be run.
  /// - Returns: `nil` if the directory is not that of several runs.
  static func matrix(in directory: FilePath) throws -> Matrix? {
    guard let recorded = RecordedMatrix(in: directory) else { return nil }
    var runs: [(directory: String, report: Report)] = []
    var gaps = recorded.gaps ?? []
    for name in recorded.runs {
      let run = RunDirectory(directory.appending(name))
      if let record = try run.record() {
        runs.append((name, Report(record: record)))
        // It was not begun when the command was stopped, and the command was resumed.
        let cell = record.header.cell
        gaps.removeAll { $0 == .stopped(kernel: cell.kernel, profile: cell.profile) }
        continue
      }
      let plan = try run.recordedPlan()
      if !gaps.contains(where: { $0.kernel == plan.kernel && $0.profile == plan.profile }) {
        gaps.append(.stopped(kernel: plan.kernel, profile: plan.profile))
      }
    }
    return Matrix(runs, gaps: gaps)
  }

  private static func render(_ report: Report) async throws -> [(suffix: String, text: String)] {
    // In parallel: one report takes as long as all others together, and the run has nothing else left to do.
    try await withThrowingTaskGroup(of: (suffix: String, text: String).self) { group in
      for reporter in Reporters.files {
        guard let suffix = reporter.suffix else { continue }
        group.addTask { (suffix, try reporter.text(of: report, on: .file)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }
}
