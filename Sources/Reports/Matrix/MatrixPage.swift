// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// The values of a matrix's `report.html`, already formatted as text; see ``HTMLPage`` for the rules.
struct MatrixPage {
  var title: String
  var isStopped: Bool
  /// The answer in one sentence.
  var lead: String
  /// The best verdict first.
  var series: [Series]

  struct Series {
    var number: Int
    var name: String
    var verdict: String
    var shape: String
    var cells: [Cell]
  }

  struct Cell {
    /// One link to the run's own report, or none.
    var links: [Link]
    /// The cell's name if there is no link.
    var plain: [String]
    var look: String
    /// None or one.
    var shapes: [String]
    var word: String
    var time: String
    var reason: String
  }

  struct Link {
    var target: String
    var cell: String
  }

  init(_ matrix: Matrix) {
    title = visible(matrix.title)
    isStopped = matrix.isStopped
    lead = visible(Summary.sentence(matrix))
    series = matrix.ranked.enumerated().map { index, row in
      Series(
        number: index + 1, name: visible(row.series), verdict: row.verdict.rawValue, shape: row.verdict.shape,
        cells: row.cells.map { cell in
          let links = cell.directory.map { [Link(target: "\($0)/report.html", cell: visible(cell.name))] } ?? []
          return Cell(
            links: links, plain: links.isEmpty ? [visible(cell.name)] : [], look: cell.verdict?.rawValue ?? "missing",
            shapes: cell.verdict.map { [$0.shape] } ?? [], word: cell.word, time: cell.time,
            reason: visible(cell.words))
        })
    }
  }
}
