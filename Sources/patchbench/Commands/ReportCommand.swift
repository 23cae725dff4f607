// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import Reports
import SystemPackage

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Render the report of a finished run again from its record.",
    discussion: """
      Needs no kernel and no guest: everything is in the run's events.jsonl.

        patchbench report results/20261123T140509-linux-6.12-kasan --format markdown
        patchbench report results/thread --format html > thread.html
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case terminal
    case markdown
    case html
    case json
  }

  @Argument(help: ArgumentHelp("The directory of a run.", valueName: "run"))
  var directory: String

  @Option(help: "terminal, markdown, html or json.")
  var format = Format.terminal

  func run() throws {
    let directory = RunDirectory(FilePath(self.directory))
    guard FileManager.default.fileExists(atPath: directory.events.string) else {
      throw Failure(
        "\(self.directory) is no run: it has no events.jsonl", advice: "name a directory that `patchbench run` made",
        status: ExitStatus.usage)
    }
    guard let record = RunRecord(try EventRecord.read(directory.events)) else {
      throw Failure("\(self.directory): the run ended before anything was tested", status: ExitStatus.inconclusive)
    }
    let report = Report(record: record)
    switch format {
    case .terminal: Output.result(report.terminal(color: Output.isColored(1), width: Output.width(1)))
    case .markdown: Output.result(report.markdown())
    case .html: Output.result(try report.html())
    case .json: Output.result(try report.json())
    }
  }
}
