// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Reports
import SystemPackage
import Toolbox

/// The report files of a run's directory.
enum ReportFiles {
  /// Renders a run's record into its directory, for the run itself: what that takes is noted in the record, and told
  /// in the reports.
  /// - Returns: the report; `nil` if the record has no run in it.
  static func write(_ directory: RunDirectory) async throws -> Report? {
    // A run that was stopped before it began has left no directory.
    guard FileManager.default.fileExists(atPath: directory.events.string),
      var record = RunRecord(try EventRecord.read(directory.events))
    else { return nil }
    let claim = try directory.claim()
    defer { directory.release(claim) }
    // Rendered twice, because no text can hold the time that it took itself. What is written is what
    // `patchbench report` makes of the record.
    let begun = ContinuousClock.now
    _ = try await render(Report(record: record))
    let seconds = (.now - begun) / .seconds(1)
    record.reportSeconds = seconds
    let report = Report(record: record)
    for (suffix, text) in try await render(report) {
      try DurableFile.write(text.utf8, to: directory.report(suffix))
    }
    // Last, so that a record that cannot be written to costs no report.
    try EventRecorder(directory.events).take(BenchEvent(at: Date(), kind: .reported(seconds: seconds)))
    return report
  }

  private static func render(_ report: Report) async throws -> [(suffix: String, text: String)] {
    // One of them takes as long as the others together, and the run has nothing else to do any more.
    try await withThrowingTaskGroup(of: (suffix: String, text: String).self) { group in
      for reporter in Reporters.files {
        guard let suffix = reporter.suffix else { continue }
        group.addTask { (suffix, try reporter.text(of: report, on: .file)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }
}
