// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// Shows reports of the same series under several configurations side by side.
public enum MatrixTable {
  /// Returns a table for a terminal: a row per series, a column per configuration, a verdict in each cell.
  /// - Parameters:
  ///   - color: whether to colour the verdicts with escape sequences.
  ///   - width: the terminal's columns; longer series names are cut.
  public static func text(_ reports: [Report], color: Bool, width: Int = 100) -> String {
    let paint = Paint(isOn: color)
    var names: [String] = []
    for judgement in reports.flatMap(\.judgements) where !names.contains(judgement.series.name) {
      names.append(judgement.series.name)
    }
    let heads = reports.map { "\($0.record.header.cell.kernel)/\($0.record.header.cell.profile)" }
    let verdicts = names.map { name in
      reports.map { report in report.judgements.first { $0.series.name == name }?.verdict }
    }
    let columns = heads.indices.map { column in
      ([heads[column]] + verdicts.map { $0[column]?.rawValue ?? "–" }).map { Columns.width(of: $0) }.max() ?? 0
    }
    let longest = (["SERIES"] + names).map { Columns.width(of: visible($0)) }.max() ?? 0
    let room = max(12, width - columns.reduce(0) { $0 + $1 + 2 })
    let first = min(longest, room)
    func line(_ name: String, _ cells: [String]) -> String {
      ([Columns.pad(Columns.cut(visible(name), to: first), to: first)] + cells).joined(separator: "  ")
    }
    let head = zip(heads, columns).map { Columns.pad($0, to: $1) }
    let rows = zip(names, verdicts).map { name, row in
      line(
        name,
        zip(row, columns).map { verdict, column in
          let text = Columns.pad(verdict?.rawValue ?? "–", to: column)
          return verdict.map { paint.verdict(text, $0) } ?? text
        })
    }
    return ([paint.dim(line("SERIES", head))] + rows).joined(separator: "\n") + "\n"
  }
}
