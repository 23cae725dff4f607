// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import Reports
import SystemPackage
import Verdicts

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Render the report of a run again, from the run's record.",
    discussion: """
      This needs no kernel and no guest: the run's events.jsonl has everything. If a command ran several kernels or
      profiles, the directory above their runs has one report for all of them.

        patchbench report results/20261123T140509-linux-6.12-kasan --format markdown
        patchbench report results/thread --format html > thread.html
      """)

  @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run"))
  var directory: String

  @Option(help: "The format: \(Reporters.all.map(\.name).joined(separator: ", ")).")
  var format = ReportForm(reporter: Reporters.all[0])

  func run() throws {
    let canvas = ReportCanvas(color: Output.isColored(1), width: Output.width(1))
    if let matrix = try ReportFiles.matrix(in: FilePath(self.directory)) {
      Output.result(try format.reporter.text(of: matrix, on: canvas))
      return
    }
    let directory = RunDirectory(FilePath(self.directory))
    guard FileManager.default.fileExists(atPath: directory.events.string) else {
      throw Failure(
        "\(self.directory) is not a run: it has no events.jsonl", advice: "name a directory that `patchbench run` made",
        status: ExitStatus.usage)
    }
    guard let record = RunRecord(try EventRecord.read(directory.events)) else {
      throw Failure("\(self.directory): the run ended before anything was tested", status: ExitStatus.inconclusive)
    }
    Output.result(try format.reporter.text(of: Report(record: record), on: canvas))
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
