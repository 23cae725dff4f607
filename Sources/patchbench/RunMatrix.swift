import ArgumentParser
import Bench
import BenchModel
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
        status = max(status, try Self.status(of: report, plan, interrupted))
        if interrupted { break }
      } catch  where plans.count > 1 {
        let failure = Failure(error)
        failure.say()
        if failure.status == ExitStatus.usage { throw ExitCode(failure.status) }
        status = ExitStatus.inconclusive
        if failure.isStop { break }
      }
    }
    if plans.count > 1, reports.contains(where: { !$0.judgements.isEmpty }) {
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

  /// Runs one configuration, and shows its report.
  private func run(_ plan: RunPlan) async throws -> (report: Report, interrupted: Bool) {
    let (report, directory, interrupted) = try await Self.one(plan)
    let table = { (stream: Int32) in report.terminal(color: Output.isColored(stream), width: Output.width(stream)) }
    if json {
      if plans.count == 1 { Output.result(try report.json()) }
      Output.error(table(2))
    } else {
      Output.result(table(1))
    }
    Self.tell(directory, interrupted)
    return (report, interrupted)
  }

  /// A run without series has only the base to speak of.
  private static func status(of report: Report, _ plan: RunPlan, _ interrupted: Bool) throws -> Int32 {
    guard plan.series.isEmpty else { return exitStatus(report.judgements, interrupted: interrupted) }
    let runs = (report.record.base.map { [$0] } ?? []) + report.record.repeats
    let repeats = Repeats(runs)
    if plan.repeats > 1 { Output.result(RepeatsText.text(repeats, width: Output.width(1))) }
    let isWhole = !interrupted && repeats.completed == plan.repeats
    return isWhole && repeats.differences.isEmpty ? ExitStatus.fine : ExitStatus.inconclusive
  }

  /// Runs one configuration and writes its reports.
  static func one(_ plan: RunPlan) async throws -> (report: Report, directory: RunDirectory, interrupted: Bool) {
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
    return (report, directory, interrupted)
  }

  /// Says where the reports are.
  static func tell(_ directory: RunDirectory, _ interrupted: Bool) {
    for suffix in ["html", "md", "json"] { Output.error("  \(directory.report(suffix))") }
    if interrupted { Output.error("patchbench: stopped; what was finished is in the reports") }
  }
}
