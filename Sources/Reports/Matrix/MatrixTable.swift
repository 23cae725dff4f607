// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// A matrix for a terminal: each series with its verdict, the best one first, below it a row per cell, and at the end
/// the answer in one sentence.
struct MatrixTable {
  let text: String

  /// - Parameter canvas: longer reasons are cut at its width, and longer names lose their middle.
  init(_ matrix: Matrix, on canvas: ReportCanvas) {
    let paint = Paint(isOn: canvas.color)
    let rows = matrix.ranked
    var lines: [String] = []
    for row in rows {
      let name = Columns.middle(visible(row.series), to: max(12, canvas.width - row.verdict.marked.count - 2))
      lines.append(
        "\(paint.verdict(row.verdict.shape, row.verdict)) \(name): \(paint.verdict(row.verdict.rawValue, row.verdict))")
      lines += Self.cells(row.cells, paint, width: canvas.width)
    }
    if !rows.isEmpty {
      lines += [""] + Columns.wrap(visible(Summary.sentence(matrix)), to: canvas.width)
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func cells(_ cells: [Matrix.Answer], _ paint: Paint, width: Int) -> [String] {
    let marks = cells.map { $0.verdict?.marked ?? "– \($0.word)" }
    let longest = { (texts: [String]) in texts.map { Columns.width(of: $0) }.max() ?? 0 }
    let (words, times) = (longest(marks), longest(cells.map(\.time)))
    // Names and reasons share what the others leave.
    let names = min(longest(cells.map { visible($0.name) }), max(12, (width - words - times - 8) / 2))
    let room = max(20, width - names - words - times - 8)
    return zip(cells, marks).map { cell, mark in
      let word = Columns.pad(mark, to: words)
      return [
        "  " + Columns.pad(Columns.middle(visible(cell.name), to: names), to: names),
        cell.verdict.map { paint.verdict(word, $0) } ?? word, Columns.pad(cell.time, to: times, right: true),
        Columns.cut(visible(cell.words), to: room),
      ].joined(separator: "  ")
    }
  }
}
