// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import History
import Reports
import SeriesIntake
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
    let evidence = evidence(in: directory, of: record)
    _ = try await render(Report(record: record, evidence: evidence))
    let seconds = (.now - begun) / .seconds(1)
    record.reportSeconds = seconds
    let report = Report(record: record, evidence: evidence)
    for (file, text) in try await render(report) {
      try DurableFile.write(text.utf8, to: directory.path.appending(file))
    }
    // Last, so that the reports are written even if the record cannot be.
    try EventRecorder(directory.events).take(BenchEvent(at: Date(), kind: .reported(seconds: seconds)))
    return report
  }

  /// Returns the report of a run that is complete, all of whose reports are written. Such a run is not written to again.
  /// - Returns: `nil` for any other run.
  static func kept(in directory: RunDirectory) throws -> Report? {
    guard let record = try directory.record(), !record.interrupted, record.reportSeconds != nil,
      paths(in: directory.path).allSatisfy({ FileManager.default.fileExists(atPath: $0.string) })
    else { return nil }
    return Report(record: record)
  }

  /// Renders the one report that leads to files of evidence, after some of them have gone.
  static func renewLinks(in directory: RunDirectory) throws {
    guard let record = try directory.record() else { return }
    let report = Report(record: record, evidence: evidence(in: directory, of: record))
    for reporter in Reporters.files where reporter.name == "html" {
      guard let file = reporter.file else { continue }
      try DurableFile.write(try reporter.text(of: report, on: .file).utf8, to: directory.path.appending(file))
    }
  }

  /// Lists the files of evidence that a run has. Those of reruns are as many as their guests, and are left out.
  static func evidence(in directory: RunDirectory, of record: RunRecord) -> EvidenceFiles {
    func files(_ series: String?) -> [String] {
      let place = series.map { "series/\($0)" } ?? "base"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.evidence(series).string)) ?? []
      return names.filter { name in
        [".diff", ".log", ".ktap", ".base"].contains { name.hasSuffix($0) } && !name.contains("-again-")
      }.sorted().map { "\(place)/\($0)" }
    }
    let names = record.header.series.map(\.name)
    return EvidenceFiles(
      base: files(nil), series: Dictionary(names.map { ($0, files($0)) }, uniquingKeysWith: { first, _ in first }))
  }

  /// Returns the report files in a directory, whether they are there or not.
  static func paths(in directory: FilePath) -> [FilePath] {
    Reporters.files.compactMap(\.file).map { directory.appending($0) }
  }

  /// Writes what several runs say together into the directory above theirs.
  static func write(_ matrix: Matrix, in directory: FilePath) throws {
    for reporter in Reporters.files {
      guard let file = reporter.file else { continue }
      try DurableFile.write(try reporter.text(of: matrix, on: .file).utf8, to: directory.appending(file))
    }
  }

  /// Reads the runs of one command again.
  /// - Returns: `nil` if the directory is not that of several runs.
  static func matrix(in directory: FilePath) throws -> Matrix? {
    try RecordedRuns(several: directory).map(matrix(of:))
  }

  static func matrix(of runs: RecordedRuns) -> Matrix {
    let reports = runs.records.map { run in
      let evidence = EvidenceFiles(patchsets: runs.patchsets[run.directory] ?? [:])
      return (run.directory, Report(record: run.record, evidence: evidence))
    }
    return Matrix(reports, gaps: runs.gaps)
  }

  /// Returns the digest of each series' patches as they were applied; see ``EvidenceFiles/patchsets``.
  static func patchsets(in directory: RunDirectory, of record: RunRecord) async throws -> [String: String] {
    var found: [String: String] = [:]
    for series in record.header.series {
      let place = directory.evidence(series.name)
      let files = series.patches.indices.map { place.appending(ReadSeries.diffName($0 + 1)) }
      guard !files.isEmpty, files.allSatisfy({ FileManager.default.fileExists(atPath: $0.string) }) else { continue }
      var lines = ""
      for file in files { lines += try await Digest.of(file: file) + "\n" }
      found[series.name] = try await Digest.of(bytes: Array(lines.utf8))
    }
    return found
  }

  private static func render(_ report: Report) async throws -> [(file: String, text: String)] {
    // In parallel: one report takes as long as all others together, and the run has nothing else left to do.
    try await withThrowingTaskGroup(of: (file: String, text: String).self) { group in
      for reporter in Reporters.files {
        guard let file = reporter.file else { continue }
        group.addTask { (file, try reporter.text(of: report, on: .file)) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }
}
