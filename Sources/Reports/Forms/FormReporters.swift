// SPDX-License-Identifier: Apache-2.0

/// The forms that CI systems read. They are printed and not written, because each is for one system only.
struct JUnitReporter: Reporter {
  let name = "junit"
  let file: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String { JUnit(ToldRuns(report)).text }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { JUnit(ToldRuns(matrix)).text }
}

/// KCIDB 5.3.
struct KCIDBReporter: Reporter {
  let name = "kcidb"
  let file: String? = nil
  let asksForPatchsets = true
  func text(of report: Report, on canvas: ReportCanvas) throws -> String {
    try KCIDB(ToldRuns(report)).document.encoded()
  }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String {
    try KCIDB(ToldRuns(matrix)).document.encoded()
  }
}

/// GitLab's code quality.
struct CodeQualityReporter: Reporter {
  let name = "codequality"
  let file: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) throws -> String { try CodeQuality.text(ToldRuns(report)) }
  func text(of matrix: Matrix, on canvas: ReportCanvas) throws -> String { try CodeQuality.text(ToldRuns(matrix)) }
}

/// GitHub's annotations.
struct GitHubReporter: Reporter {
  let name = "github"
  let file: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String { GitHubAnnotations.text(ToldRuns(report)) }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { GitHubAnnotations.text(ToldRuns(matrix)) }
}

/// The summary of a job, in Markdown.
struct JobSummaryReporter: Reporter {
  let name = "summary"
  let file: String? = nil
  func text(of report: Report, on canvas: ReportCanvas) -> String { JobSummary(report).text }
  func text(of matrix: Matrix, on canvas: ReportCanvas) -> String { JobSummary(matrix).text }
}
