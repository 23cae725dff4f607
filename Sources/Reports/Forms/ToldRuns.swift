// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// What the forms that CI reads are made of, whether one cell was run or several: each series in each cell.
struct ToldRuns {
  /// A series in one cell.
  struct Entry {
    var record: RunRecord
    var judgement: Judgement
    /// What is wrong with it, the weightiest first.
    var causes: [Cause]
    /// The digest of its patches, if it is known.
    var patchset: String?
    /// Whether it is inconclusive only because this cell compiles a part of the code, all of which ran in another one.
    var isAnsweredElsewhere = false

    var cell: String { record.header.cell.name }

    /// Whether a test or a kernel report that is worse counts against the series. Of an inconclusive series, nothing
    /// does: its machine may have died, or only the test driver shows it.
    func isProven(test name: String) -> Bool {
      judgement.verdict == .regresses && causes.contains { $0.tests.contains(name) }
    }

    /// The same for a kernel report's title.
    func isProven(report title: String) -> Bool {
      judgement.verdict == .regresses && causes.contains { $0.reports.contains(title) }
    }

    /// Whether the guest ended before its plan did, so that tests are missing for one and the same reason.
    var endedEarly: Bool { judgement.trial?.run.map { $0.ending != .completed } ?? false }
  }

  /// One for each cell that was run.
  private(set) var records: [RunRecord]
  /// The names of the series, in the order in which they first appear.
  private(set) var names: [String]
  /// All cells of the first series, all cells of the second, ….
  private(set) var entries: [Entry]
  /// The cells that were not run.
  private(set) var gaps: [CellGap]

  init(_ report: Report) { self.init([report], names: report.judgements.map(\.series.name), gaps: []) }

  init(_ matrix: Matrix) {
    self.init(matrix.runs.map(\.report), names: matrix.rows.map(\.series), gaps: matrix.gaps)
  }

  private init(_ reports: [Report], names: [String], gaps: [CellGap]) {
    records = reports.map(\.record)
    self.names = names
    self.gaps = gaps
    entries = names.flatMap { name -> [Entry] in
      let found = reports.flatMap { report in
        report.judgements.filter { $0.series.name == name }.map { judgement in
          Entry(
            record: report.record, judgement: judgement.withoutPaths(in: report.record),
            causes: judgement.causes(report.record.header.causes ?? []), patchset: report.evidence.patchsets[name])
        }
      }
      let cells = found.map { CellVerdict($0.judgement, in: $0.record.header.cell, base: $0.record.base) }
      return zip(found, cells).map { entry, cell in
        var entry = entry
        entry.isAnsweredElsewhere = cell.isAnswered(by: cells)
        return entry
      }
    }
  }
}

extension Cell {
  /// `linux-6.12/kasan`
  var name: String { "\(kernel)/\(profile)" }
}

extension CellGap {
  /// `linux-6.12/nommu`
  var name: String { "\(kernel)/\(profile)" }
}
