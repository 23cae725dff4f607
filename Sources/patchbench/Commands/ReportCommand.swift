// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Reports
import SystemPackage
import Verdicts

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Render the report of a run again, from the run's record.",
    discussion: """
      This needs no kernel and no guest: the run's events.jsonl has everything. If a command ran several kernels or
      profiles, the directory above their runs has one report for all of them.

        patchbench report results/20261123T140509-linux-6.12-kasan --format markdown
        patchbench report results/thread --format html > thread.html
        patchbench report results/thread --format mail --series my-fix-v4
        patchbench report results/thread --format junit > junit.xml
      """)

  @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run"))
  var directory: String

  @Option(help: "The format: \(Reporters.all.map(\.name).joined(separator: ", ")).")
  var format = ReportForm(reporter: Reporters.all[0])

  @Option(help: ArgumentHelp("Only this series of the run. Repeatable.", valueName: "name"))
  var series: [String] = []

  func run() async throws {
    let asksForPatchsets = format.reporter.asksForPatchsets
    let canvas = ReportCanvas(color: Output.isColored(1), width: Output.width(1))
    if var runs = try RecordedRuns(several: FilePath(directory)) {
      if asksForPatchsets { try await runs.findPatchsets(below: FilePath(directory)) }
      let matrix = ReportFiles.matrix(of: runs)
      try check(matrix.rows.map(\.series))
      Output.result(try format.reporter.text(of: series.isEmpty ? matrix : matrix.only(series), on: canvas))
      return
    }
    let record = try RecordedRuns.record(in: directory)
    let run = RunDirectory(FilePath(directory))
    var evidence = ReportFiles.evidence(in: run, of: record)
    if asksForPatchsets { evidence.patchsets = try await ReportFiles.patchsets(in: run, of: record) }
    let report = Report(record: record, evidence: evidence)
    try check(report.judgements.map(\.series.name))
    Output.result(try format.reporter.text(of: series.isEmpty ? report : report.only(series), on: canvas))
  }

  /// - Throws: ``Failure`` if there is no such series.
  private func check(_ names: [String]) throws {
    for name in series where !names.contains(name) {
      throw Failure(
        "\(directory) has no series “\(name)”",
        advice: names.isEmpty ? nil : "its series: \(names.joined(separator: ", "))", status: ExitStatus.usage)
    }
  }
}

/// A report format, selected by name.
struct ReportForm: ExpressibleByArgument {
  var reporter: any Reporter

  init(reporter: any Reporter) { self.reporter = reporter }

  init?(argument: String) {
    guard let reporter = Reporters.named(argument) else { return nil }
    self.reporter = reporter
  }

  var defaultValueDescription: String { reporter.name }
  static var allValueStrings: [String] { Reporters.all.map(\.name) }
}
