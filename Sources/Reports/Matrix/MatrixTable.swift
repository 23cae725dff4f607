// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// A matrix for a terminal: each series with its verdict, and below it a row per cell.
struct MatrixTable {
  let text: String

  /// - Parameter canvas: longer reasons are cut at its width.
  init(_ matrix: Matrix, on canvas: ReportCanvas) {
    let paint = Paint(isOn: canvas.color)
    text =
      matrix.rows.map { row in
        let cells = row.cells.map { Columns.width(of: visible($0.name)) }.max() ?? 0
        let words = row.cells.map { Columns.width(of: $0.word) }.max() ?? 0
        let times = row.cells.map { Columns.width(of: $0.time) }.max() ?? 0
        let room = max(20, canvas.width - cells - words - times - 8)
        let lines = row.cells.map { cell in
          let word = Columns.pad(cell.word, to: words)
          return [
            "  " + Columns.pad(visible(cell.name), to: cells), cell.verdict.map { paint.verdict(word, $0) } ?? word,
            Columns.pad(cell.time, to: times, right: true), Columns.cut(visible(cell.reason), to: room),
          ].joined(separator: "  ")
        }
        let head = "\(visible(row.series)): \(paint.verdict(row.verdict.rawValue, row.verdict))"
        return ([head] + lines).joined(separator: "\n")
      }.joined(separator: "\n") + "\n"
  }
}
