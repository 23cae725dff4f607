// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Verdicts

/// A judged run and its renderings: values in, text out.
///
/// Patches and consoles are untrusted. Each rendering escapes everything that its reader would act on: markup in
/// Markdown and HTML, control and direction characters everywhere except in JSON, which is data and keeps every byte.
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

  /// Returns `report.json` as described by `Schema/report.schema.json`. Keys are sorted, so that equal runs give equal
  /// bytes.
  /// - Parameter isIndented: for people. Half of an indented report is space.
  public func json(isIndented: Bool = false) throws -> String {
    try ReportDocument(record, judgements).encoded(isIndented: isIndented)
  }

  /// Returns `report.md`, for pasting into a mail.
  public func markdown() -> String { MarkdownReport(record, judgements).text }

  /// Returns `report.html`: one file, no network, no script.
  public func html() throws -> String { try HTMLReport(record, judgements).text() }

  /// Returns the verdict table for a terminal.
  ///
  /// - Parameters:
  ///   - color: Whether to colour the verdicts with escape sequences.
  ///   - width: The terminal's columns; longer lines are cut.
  public func terminal(color: Bool, width: Int = 100) -> String {
    TerminalReport(record, judgements, color: color, width: width).text
  }
}
