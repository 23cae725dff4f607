import ArgumentParser
import Bench
import Foundation
import Reports
import Verdicts

/// The runs of one command: one for each configuration, one after the other, so that a base is built once and all series
/// follow it.
struct RunMatrix {
  var plans: [RunPlan]
  /// Print JSON on standard output, and the tables on standard error.
  var json: Bool

  /// - Throws: `ExitCode` with what the command ends with. What a configuration's own run throws is said, and the others
  ///   have their turn; the only one's is thrown.
  func run() async throws {
    var reports: [Report] = []
    var status = ExitStatus.fine
    for plan in plans {
      do {
        let (report, interrupted) = try await run(plan)
        reports.append(report)
        status = max(status, exitStatus(report.judgements, interrupted: interrupted))
        if interrupted { break }
      } catch  where plans.count > 1 {
        let failure = Failure(error)
        failure.say()
        if failure.status == ExitStatus.usage { throw ExitCode(failure.status) }
        status = ExitStatus.inconclusive
        if failure.isStop { break }
      }
    }
    if plans.count > 1 {
      let table = { (stream: Int32) in
        MatrixTable.text(reports, color: Output.isColored(stream), width: Output.width(stream))
      }
      if json {
        Output.result("[" + (try reports.map { try $0.json() }).joined(separator: ",") + "]")
        Output.error(table(2))
      } else {
        Output.result("\n" + table(1))
      }
    }
    throw ExitCode(status)
  }

  /// Runs one configuration, writes its reports and shows them.
  private func run(_ plan: RunPlan) async throws -> (report: Report, interrupted: Bool) {
    let display = ProgressDisplay(total: plan.series.count)
    let (directory, interrupted) = try await untilSignal {
      try await BenchRun(plan, sinks: [display]).run()
    }
    display.finish()
    guard let report = try ReportFiles.write(directory) else {
      throw Failure(
        "stopped before anything was tested", advice: "the base's build goes on where it stopped when you run it again",
        status: ExitStatus.inconclusive, isStop: true)
    }
    let table = { (stream: Int32) in report.terminal(color: Output.isColored(stream), width: Output.width(stream)) }
    if json {
      if plans.count == 1 { Output.result(try report.json()) }
      Output.error(table(2))
    } else {
      Output.result(table(1))
    }
    for suffix in ["html", "md", "json"] { Output.error("  \(directory.report(suffix))") }
    if interrupted { Output.error("patchbench: stopped; what was finished is in the reports") }
    return (report, interrupted)
  }
}
