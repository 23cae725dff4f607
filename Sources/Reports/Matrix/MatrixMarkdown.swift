// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// `report.md` of a matrix: each series with its verdict, and what each cell says of it.
struct MatrixMarkdown {
  let text: String

  init(_ matrix: Matrix) {
    var parts = ["# patchbench: \(matrix.title)"]
    if matrix.isStopped { parts.append("**A run was stopped before it finished.**") }
    for row in matrix.rows {
      parts.append("## \(Markdown.escape(row.series)): \(row.verdict.rawValue)")
      parts.append(
        Markdown.table(
          ["Kernel and profile", "Verdict", "Time", "First reason"],
          row.cells.map { cell in
            [
              Markdown.cell(cell.name), cell.verdict == nil ? cell.word : "**\(cell.word)**", cell.time,
              Markdown.escape(cell.reason),
            ]
          }, numbers: [2]))
    }
    text = parts.joined(separator: "\n\n") + "\n"
  }
}

extension Matrix {
  /// `3 series, 6 cells`
  var title: String {
    let cells = Set(rows.flatMap { $0.cells.map(\.name) }).count
    return "\(rows.count) series, \(Words.counted(cells, "cell"))"
  }
}
