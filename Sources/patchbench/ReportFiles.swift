import Bench
import BenchModel
import Foundation
import Reports
import SystemPackage

/// The report files of a run's directory.
enum ReportFiles {
  /// Renders the run's record into its directory.
  /// - Returns: the report; `nil` if the record has no run in it.
  static func write(_ directory: RunDirectory) throws -> Report? {
    // A run that was stopped before it began has left no directory.
    guard FileManager.default.fileExists(atPath: directory.events.string),
      let record = RunRecord(try EventRecord.read(directory.events))
    else { return nil }
    let report = Report(record: record)
    for (suffix, text) in [("json", try report.json()), ("md", report.markdown()), ("html", try report.html())] {
      try Data(text.utf8).write(to: URL(filePath: directory.report(suffix).string), options: .atomic)
    }
    return report
  }
}
