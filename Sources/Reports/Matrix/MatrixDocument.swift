// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation

/// `report.json` of a matrix, as described by `Schema/matrix.schema.json`.
struct MatrixDocument: Encodable {
  /// Raised when a field is removed or changes its meaning; a new field does not raise it.
  static let format = 1

  var format = Self.format
  var kind = "matrix"
  var interrupted: Bool
  var exitStatus: Int32
  /// The answer in one sentence.
  var summary: String
  var series: [Series]
  var gaps: [CellGap]

  struct Series: Encodable {
    var name: String
    var verdict: Verdict
    var cells: [Cell]
  }

  struct Cell: Encodable {
    var kernel: String
    var profile: String
    @ExplicitNull var verdict: Verdict?
    var reason: String
    @ExplicitNull var seconds: Double?
    /// Relative to the matrix's directory.
    @ExplicitNull var report: String?
  }

  init(_ matrix: Matrix) {
    interrupted = matrix.isStopped
    exitStatus = matrix.exitStatus
    summary = Summary.sentence(matrix)
    gaps = matrix.gaps
    series = matrix.rows.map { row in
      Series(
        name: row.series, verdict: row.verdict,
        cells: row.cells.map { cell in
          Cell(
            kernel: cell.kernel, profile: cell.profile, verdict: cell.verdict, reason: cell.reason,
            seconds: SecondsDocument.rounded(Cost.known(cell.trial?.seconds.total)),
            report: cell.directory.map { "\($0)/report.json" })
        })
    }
  }

  func encoded() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
