// SPDX-License-Identifier: Apache-2.0

/// One form that a report leaves in. To add one, conform to this and name it in ``Reporters/all``.
public protocol Reporter: Sendable {
  /// By which `patchbench report --format` knows it.
  var name: String { get }
  /// The file in a run's directory is `report.SUFFIX`; `nil` for a form that is only printed.
  var suffix: String? { get }
  /// - Throws: what the form's library throws.
  func text(of report: Report, on canvas: ReportCanvas) throws -> String
}

/// What a printed report may use.
public struct ReportCanvas: Sendable, Hashable {
  public var color: Bool
  /// In columns.
  public var width: Int

  public init(color: Bool, width: Int) {
    self.color = color
    self.width = width
  }

  /// That of a file.
  public static let file = ReportCanvas(color: false, width: 100)
}

/// The forms that there are, the usual one first.
public enum Reporters {
  public static let all: [any Reporter] = [
    TerminalReporter(), HTMLReporter(), MarkdownReporter(), JSONReporter(),
  ]

  /// Those that a run leaves in its directory.
  public static var files: [any Reporter] { all.filter { $0.suffix != nil } }

  public static func named(_ name: String) -> (any Reporter)? { all.first { $0.name == name } }
}

struct TerminalReporter: Reporter {
  let name = "terminal"
  let suffix: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String {
    report.terminal(color: canvas.color, width: canvas.width)
  }
}

struct HTMLReporter: Reporter {
  let name = "html"
  let suffix: String? = "html"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.html() }
}

struct MarkdownReporter: Reporter {
  let name = "markdown"
  let suffix: String? = "md"
  func text(of report: Report, on canvas: ReportCanvas) -> String { report.markdown() }
}

struct JSONReporter: Reporter {
  let name = "json"
  let suffix: String? = "json"
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try report.json() }
}
