// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import SystemPackage
import Verdicts

/// The runs of one command, read again from their records.
struct RecordedRuns {
  /// Each with the name of its directory.
  var records: [(directory: String, record: RunRecord)]
  /// The cells that gave no answer: a run that ended before anything was tested, or was not begun, is one of them.
  var gaps: [CellGap]
  /// By the name of the directory, then by series: the digest of its patches. Only if somebody asks.
  var patchsets: [String: [String: String]] = [:]

  /// Reads the run in a directory, or those below it.
  /// - Throws: ``Failure`` if there is none.
  init(in path: String) throws {
    if let several = try RecordedRuns(several: FilePath(path)) {
      if several.records.isEmpty { throw Self.nothingTested(path) }
      self = several
      return
    }
    records = [(FilePath(path).lastComponent?.string ?? "", try Self.record(in: path))]
    gaps = []
  }

  /// - Returns: `nil` if the directory is not that of several runs.
  init?(several directory: FilePath) throws {
    guard let recorded = RecordedMatrix(in: directory) else { return nil }
    records = []
    gaps = recorded.gaps ?? []
    for name in recorded.runs {
      let run = RunDirectory(directory.appending(name))
      if let record = try run.record() {
        records.append((name, record))
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
  }

  mutating func findPatchsets(below directory: FilePath) async throws {
    for (name, record) in records {
      patchsets[name] = try await ReportFiles.patchsets(in: RunDirectory(directory.appending(name)), of: record)
    }
  }

  /// Reads the record of one run.
  /// - Throws: ``Failure`` if there is none.
  static func record(in path: String) throws -> RunRecord {
    let directory = RunDirectory(FilePath(path))
    guard FileManager.default.fileExists(atPath: directory.events.string) else {
      let isThere = FileManager.default.fileExists(atPath: path)
      throw Failure(
        isThere ? "\(path) is not a run: it has no events.jsonl" : "\(path) does not exist",
        advice: "name a directory that `patchbench run` made", status: ExitStatus.usage)
    }
    guard let record = RunRecord(try EventRecord.read(directory.events)) else { throw nothingTested(path) }
    return record
  }

  private static func nothingTested(_ path: String) -> Failure {
    Failure(
      "\(path): the run ended before anything was tested",
      advice: "`\(RunMatrix.resume(FilePath(path)))` continues it", status: ExitStatus.inconclusive)
  }
}
