// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Verdicts

/// A judged run and its renderings: values in, text out.
///
/// Patches and consoles are untrusted. Each rendering escapes what its reader would act upon: markup in Markdown and
/// HTML, control and direction characters everywhere but in JSON, which is data and keeps every byte.
public struct Report: Sendable {
  /// The run.
  public let record: RunRecord
  /// The verdicts, in the order of the run's header.
  public let judgements: [Judgement]

  /// Judges a run.
  public init(record: RunRecord) {
    self.record = record
    judgements = judge(record)
  }

  /// `report.json`, as `Schema/report.schema.json` describes it: keys sorted, so that equal runs give equal bytes.
  public func json() throws -> String { try ReportDocument(record, judgements).encoded() }

  /// `report.md`, to be pasted into a mail.
  public func markdown() -> String { MarkdownReport(record, judgements).text }

  /// `report.html`: one file, no network, no script.
  public func html() throws -> String { try HTMLReport(record, judgements).text() }

  /// The verdict table for a terminal.
  ///
  /// - Parameters:
  ///   - color: Whether to colour the verdicts by escape sequences.
  ///   - width: The terminal's columns; longer lines are cut.
  public func terminal(color: Bool, width: Int = 100) -> String {
    TerminalReport(record, judgements, color: color, width: width).text
  }
}
