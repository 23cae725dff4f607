// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// `report.md` and `report-details.md` of a matrix: each series with its verdict, and what each cell says of it.
struct MatrixMarkdown {
  let text: String

  /// - Parameter most: how many bytes it may have. What does not fit is left out, which is said.
  init(_ matrix: Matrix, most: Int = .max) {
    var parts = ["# patchbench: \(matrix.title)"]
    if matrix.isStopped { parts.append("**A run was stopped before it finished.**") }
    parts.append(Markdown.escape(Summary.sentence(matrix)))
    let ranked = matrix.ranked
    var room = most == .max ? Int.max : most - parts.joined(separator: "\n\n").utf8.count - Self.reserve
    for (index, row) in ranked.enumerated() {
      let heading = "## \(Markdown.escape(row.series)): \(row.verdict.shape) \(row.verdict.rawValue)"
      let rows = Self.rows(row.cells, isShort: most != .max)
      let table = Markdown.table(Self.head, rows, numbers: [2], room: max(0, room - heading.utf8.count - Self.reserve))
      if heading.utf8.count + Self.reserve > room || table.shown == 0 && !rows.isEmpty {
        let left = ranked.count - index
        parts.append(
          "\(left) more series \(left == 1 ? "is" : "are") told of in \(Markdown.code(BriefMarkdown.details)).")
        break
      }
      parts += [heading, table.text]
      if table.shown < rows.count {
        parts.append("\(rows.count - table.shown) more cells are in \(Markdown.code(BriefMarkdown.details)).")
      }
      room -= heading.utf8.count + table.text.utf8.count + Self.reserve
    }
    text = parts.joined(separator: "\n\n") + "\n"
  }

  /// The bytes that are kept for a sentence of what is left out, and for the space between parts.
  private static let reserve = 120
  private static let head = ["Kernel and profile", "Verdict", "Time", "First reason"]

  private static func rows(_ cells: [Matrix.Answer], isShort: Bool) -> [[String]] {
    cells.map { cell in
      [
        Markdown.cell(isShort ? Markdown.cut(cell.name, to: 80) : cell.name),
        cell.verdict == nil ? cell.word : "**\(cell.word)**", cell.time,
        Markdown.escape(isShort ? Markdown.cut(cell.words, to: 200) : cell.words),
      ]
    }
  }
}

extension Matrix {
  /// `3 series, 6 cells`
  var title: String {
    let cells = Set(rows.flatMap { $0.cells.map(\.name) }).count
    return "\(rows.count) series, \(Words.counted(cells, "cell"))"
  }
}
