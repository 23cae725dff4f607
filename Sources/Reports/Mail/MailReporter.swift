// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// A reply for each series, to paste into its thread.
struct MailReporter: Reporter {
  let name = "mail"
  let file: String? = nil

  func text(of report: Report, on canvas: ReportCanvas) -> String {
    let mails = report.judgements.map { judgement in
      Mail(SeriesAnswer.ranked([judgement], report.record.header)[0], report.record).text
    }
    return joined(mails)
  }

  /// A reply shows the worst cell, and names the others.
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String {
    let mails = matrix.rows.compactMap { row -> String? in
      for (_, report) in matrix.runs {
        guard
          let judgement = report.judgements.first(where: { $0.series.name == row.series && $0.verdict == row.verdict })
        else { continue }
        let cell = report.record.header.cell
        let others = row.cells.filter { ($0.kernel, $0.profile) != (cell.kernel, cell.profile) }
        return Mail(
          SeriesAnswer.ranked([judgement], report.record.header)[0], report.record,
          others: others.map { "\($0.name) \($0.word)" }
        ).text
      }
      return nil
    }
    return joined(mails)
  }

  private func joined(_ mails: [String]) -> String {
    mails.isEmpty ? "There is no series to write of.\n" : mails.joined(separator: Mail.separator)
  }
}
