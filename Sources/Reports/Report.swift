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
  /// The files that the HTML report leads to.
  public let evidence: EvidenceFiles

  /// Judges a run.
  public init(record: RunRecord, evidence: EvidenceFiles = EvidenceFiles()) {
    self.init(record: record, judgements: judge(record), evidence: evidence)
  }

  /// Returns `report.json` as described by `Schema/report.schema.json`. Keys are sorted, so that equal runs give equal
  /// bytes.
  /// - Parameter isIndented: for people. Half of an indented report is space.
  public func json(isIndented: Bool = false) throws -> String {
    try ReportDocument(record, judgements).encoded(isIndented: isIndented)
  }

  private init(record: RunRecord, judgements: [Judgement], evidence: EvidenceFiles) {
    self.record = record
    self.judgements = judgements
    self.evidence = evidence
  }

  /// Returns the same run, of which only some series are told.
  /// - Parameter names: the names of the series.
  public func only(_ names: [String]) -> Report {
    Report(record: record, judgements: judgements.filter { names.contains($0.series.name) }, evidence: evidence)
  }

  /// Returns `report.md`, the comment on a merge request: at most 60 kB, whatever was run.
  public func markdown() -> String { BriefMarkdown(record, judgements).text }

  /// Returns `report-details.md`, which has all that `report.md` leaves out.
  public func details() -> String { MarkdownReport(record, judgements).text }

  /// Returns `report.html`: one file, no network, no script.
  public func html() throws -> String { try HTMLReport(record, judgements, evidence).text() }

  /// Returns the verdict table for a terminal.
  ///
  /// - Parameters:
  ///   - color: Whether to colour the verdicts with escape sequences.
  ///   - width: The terminal's columns; longer lines are cut.
  public func terminal(color: Bool, width: Int = 100) -> String {
    TerminalReport(record, judgements, color: color, width: width).text
  }
}

/// The files of evidence that are there, relative to the report: diffs, logs of builds, consoles, KTAP.
public struct EvidenceFiles: Sendable, Hashable {
  /// Of the base: `base/console.log`.
  public var base: [String]
  /// Of each series, by its name: `series/v3/0001.diff`.
  public var series: [String: [String]]
  /// The digest of each series' patches, by its name, as KCIDB defines it: the SHA-256 of the lines that
  /// `sha256sum` prints for them, without the files' names. A series whose patches are not all there has none.
  public var patchsets: [String: String]

  public init(base: [String] = [], series: [String: [String]] = [:], patchsets: [String: String] = [:]) {
    self.base = base
    self.series = series
    self.patchsets = patchsets
  }
}
