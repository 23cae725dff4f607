// SPDX-License-Identifier: Apache-2.0

/// One output format of a report. To add one, conform to this protocol and list it in ``Reporters/all``.
public protocol Reporter: Sendable {
  /// The format's name for `patchbench report --format`.
  var name: String { get }
  /// The suffix of the file `report.SUFFIX` in a run's directory; `nil` for a format that is only printed.
  var suffix: String? { get }
  /// - Throws: the errors of the format's library.
  func text(of report: Report, on canvas: ReportCanvas) throws -> String
  /// The same for several runs of one command.
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String
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
    TerminalReporter(), HTMLReporter(), MarkdownReporter(), JSONReporter(),
  ]

  /// The formats that a run writes to its directory.
  public static var files: [any Reporter] { all.filter { $0.suffix != nil } }

  public static func named(_ name: String) -> (any Reporter)? { all.first { $0.name == name } }
}

struct TerminalReporter: Reporter {
  let name = "terminal"
  let suffix: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String {
    report.terminal(color: canvas.color, width: canvas.width)
  }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { MatrixTable(matrix, on: canvas).text }
}

struct HTMLReporter: Reporter {
  let name = "html"
  let suffix: String? = "html"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.html() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String { try HTMLReport(matrix).text() }
}

struct MarkdownReporter: Reporter {
  let name = "markdown"
  let suffix: String? = "md"
  func text(of report: Report, on canvas: ReportCanvas) -> String { report.markdown() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { MatrixMarkdown(matrix).text }
}

struct JSONReporter: Reporter {
  let name = "json"
  let suffix: String? = "json"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.json() }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String { try MatrixDocument(matrix).encoded() }
}
