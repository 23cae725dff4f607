// SPDX-License-Identifier: Apache-2.0

/// One output format of a report. To add one, conform to this protocol and list it in ``Reporters/all``.
public protocol Reporter: Sendable {
  /// The format's name for `patchbench report --format`.
  var name: String { get }
  /// The name of its file in a run's directory; `nil` for a format that is only printed.
  var file: String? { get }
  /// Whether it tells the digests of patches, which the record does not have: ``EvidenceFiles/patchsets``.
  var asksForPatchsets: Bool { get }
  /// - Throws: the errors of the format's library.
  func text(of report: Report, on canvas: ReportCanvas) throws -> String
  /// The same for several runs of one command.
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String
}

extension Reporter {
  public var asksForPatchsets: Bool { false }
}

/// The properties of the place where a report is printed.
public struct ReportCanvas: Sendable, Hashable {
  public var color: Bool
  /// Columns.
  public var width: Int

  public init(color: Bool, width: Int) {
    self.color = color
    self.width = width
  }

  /// The canvas of a file.
  public static let file = ReportCanvas(color: false, width: 100)
}

/// The available formats, the default first.
public enum Reporters {
  public static let all: [any Reporter] = [
    TerminalReporter(), HTMLReporter(), MarkdownReporter(), JSONReporter(), MarkdownDetailsReporter(),
    MailReporter(), JobSummaryReporter(), JUnitReporter(), KCIDBReporter(), CodeQualityReporter(), GitHubReporter(),
  ]

  /// The formats that a run writes to its directory.
  public static var files: [any Reporter] { all.filter { $0.file != nil } }

  public static func named(_ name: String) -> (any Reporter)? { all.first { $0.name == name } }
}

struct TerminalReporter: Reporter {
  let name = "terminal"
  let file: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String {
    report.terminal(color: canvas.color, width: canvas.width)
  }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { MatrixTable(matrix, on: canvas).text }
}

struct HTMLReporter: Reporter {
  let name = "html"
  let file: String? = "report.html"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.html() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String { try HTMLReport(matrix).text() }
}

struct MarkdownReporter: Reporter {
  let name = "markdown"
  let file: String? = "report.md"
  func text(of report: Report, on canvas: ReportCanvas) -> String { report.markdown() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String {
    MatrixMarkdown(matrix, most: BriefMarkdown.most).text
  }
}

struct MarkdownDetailsReporter: Reporter {
  let name = "details"
  let file: String? = BriefMarkdown.details
  func text(of report: Report, on canvas: ReportCanvas) -> String { report.details() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { MatrixMarkdown(matrix).text }
}

struct JSONReporter: Reporter {
  let name = "json"
  let file: String? = "report.json"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.json() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String { try MatrixDocument(matrix).encoded() }
}
