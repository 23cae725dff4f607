// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import Reports
import SystemPackage
import Toolbox
import Verdicts

/// The runs of one command, one per configuration. They run one after the other, so that each base is built once and
/// all series follow it.
struct RunMatrix {
  var plans: [RunPlan]
  /// The directories of runs that were begun earlier, one per plan; empty if no run was begun yet.
  var begun: [RunDirectory] = []
  /// The directory above the directories of several runs.
  var together: FilePath?
  /// Print JSON on standard output, and the tables on standard error.
  var json: Bool
  /// Print the tables on standard error, because the command prints something else on standard output.
  var isAside = false

  /// Runs all configurations and prints their tables.
  /// - Throws: `ExitCode` with the command's exit status. With several configurations, an error in one run is printed
  ///   and the next run follows. With one configuration, its error is thrown.
  func run() async throws {
    // Begin all runs before the first one works, so that the whole command can be resumed after it was killed.
    let directories = begun.isEmpty && plans.count > 1 ? try await begin() : begun
    var runs: [(directory: String, report: Report)] = []
    var gaps: [CellGap] = []
    var status = ExitStatus.fine
    var isStopped = false
    // What is complete stays as it is, and so does what such runs say together.
    var isNew = begun.isEmpty || !Self.isWhole(together)
    for (index, plan) in plans.enumerated() {
      do {
        let begun = directories.isEmpty ? nil : directories[index]
        if try begun.map({ try ReportFiles.kept(in: $0) == nil }) ?? true { isNew = true }
        let (report, interrupted) = try await run(plan, begun)
        runs.append((begun?.path.lastComponent?.string ?? "", report))
        if plans.count == 1 || report.judgements.isEmpty || interrupted {
          status = max(status, try Self.status(of: report, plan, interrupted))
        }
        if interrupted {
          isStopped = true
          break
        }
      } catch  where plans.count > 1 {
        let failure = Failure(error)
        failure.say()
        isNew = true
        if failure.status == ExitStatus.usage { throw ExitCode(failure.status) }
        // A cell that gives no answer is named, and never passes.
        status = ExitStatus.inconclusive
        gaps.append(
          CellGap(
            kernel: plan.cell.kernel, profile: plan.cell.profile,
            reason: failure.message + (failure.advice.map { ": \($0)" } ?? "")))
        isStopped = failure.isStop
        if isStopped { break }
      }
    }
    if isStopped {
      gaps += plans.dropFirst(runs.count + gaps.count).map {
        .stopped(kernel: $0.cell.kernel, profile: $0.cell.profile)
      }
    }
    let matrix = Matrix(runs, gaps: gaps)
    if plans.count > 1, !matrix.rows.isEmpty {
      status = max(status, matrix.exitStatus)
      try show(matrix, of: runs.map(\.report), isNew ? directories : nil)
    }
    throw ExitCode(status)
  }

  /// Whether what several runs say together is written. Runs of several commands say nothing together.
  private static func isWhole(_ together: FilePath?) -> Bool {
    guard let together, RecordedMatrix(in: together) != nil else { return true }
    return ReportFiles.paths(in: together).allSatisfy { FileManager.default.fileExists(atPath: $0.string) }
  }

  /// Prints what the runs say together, and writes it above their directories.
  /// - Parameter directories: theirs; `nil` writes nothing.
  private func show(_ matrix: Matrix, of reports: [Report], _ directories: [RunDirectory]?) throws {
    let table = { (stream: Int32) in
      try Reporters.all[0].text(
        of: matrix, on: ReportCanvas(color: Output.isColored(stream), width: Output.width(stream)))
    }
    if isAside {
      Output.aside("\n" + (try table(2)))
    } else if json {
      Output.result("[" + (try reports.map { try $0.json() }).joined(separator: ",") + "]")
      Output.aside(try table(2))
    } else {
      Output.result("\n" + (try table(1)))
    }
    guard let together else { return }
    if let directories {
      let names = directories.compactMap { $0.path.lastComponent?.string }
      try RecordedMatrix(runs: names, gaps: matrix.gaps).write(in: together)
      try ReportFiles.write(matrix, in: together)
    }
    Output.reports(ReportFiles.paths(in: together).map(\.string))
  }

  /// Creates the directories of all runs.
  private func begin() async throws -> [RunDirectory] {
    let (plans, together) = (plans, together)
    return try await untilSignal {
      var directories: [RunDirectory] = []
      do {
        for plan in plans { directories.append(try await BenchRun(plan, sinks: []).begin()) }
        if let together {
          try RecordedMatrix(runs: directories.map { $0.path.lastComponent!.string }).write(in: together)
        }
      } catch {
        for directory in directories { try? directory.discard() }
        throw error
      }
      return directories
    }
  }

  /// Runs one configuration and prints its report.
  private func run(_ plan: RunPlan, _ begun: RunDirectory?) async throws -> (report: Report, interrupted: Bool) {
    let (report, directory, interrupted) = try await Self.one(plan, begun: begun)
    let table = { (stream: Int32) in report.terminal(color: Output.isColored(stream), width: Output.width(stream)) }
    if isAside {
      Output.aside(table(2))
    } else if json {
      if plans.count == 1 { Output.result(try report.json()) }
      Output.aside(table(2))
    } else {
      Output.result(table(1))
    }
    Self.tell(directory, interrupted, together: plans.count > 1 ? together : nil)
    return (report, interrupted)
  }

  /// Returns the exit status of a run. A run without series is judged by its base alone.
  private static func status(of report: Report, _ plan: RunPlan, _ interrupted: Bool) throws -> Int32 {
    guard report.record.header.series.isEmpty else { return ExitStatus.of(report.judgements, interrupted: interrupted) }
    let runs = (report.record.base.map { [$0] } ?? []) + report.record.repeats
    let repeats = Repeats(runs)
    if plan.retryPolicy.repeats > 1 { Output.result(RepeatsText.text(repeats, width: Output.width(1))) }
    let isWhole = !interrupted && repeats.completed == plan.retryPolicy.repeats
    return isWhole && repeats.differences.isEmpty ? ExitStatus.fine : ExitStatus.inconclusive
  }

  /// Runs one configuration and writes its reports. A run that is complete stays as it is.
  /// - Parameter begun: the run to continue; `nil` starts a new one.
  static func one(
    _ plan: RunPlan, begun: RunDirectory? = nil
  ) async throws -> (report: Report, directory: RunDirectory, interrupted: Bool) {
    if let begun, let kept = try ReportFiles.kept(in: begun) { return (kept, begun, false) }
    let display = ProgressDisplay(total: try begun?.recordedPlan().series.count ?? plan.series.count)
    let (directory, interrupted) = try await untilSignal {
      let run = BenchRun(plan, sinks: [display])
      guard let begun else { return try await run.run() }
      return (begun, try await run.goOn(in: begun))
    }
    display.finish()
    let report: Report?
    do { report = try await ReportFiles.write(directory) } catch {
      throw RunBrokenOff(path: directory.path.string, cause: error)
    }
    guard let report else {
      throw Failure(
        "stopped before anything was tested",
        advice: begun == nil
          ? "run it again; the base's build continues where it stopped"
          : "`\(resume(directory.path))` continues, and so does the base's build",
        status: ExitStatus.inconclusive, isStop: true)
    }
    let suite = plan.checkout.suite
    let recorded = try directory.recordedPlan().series
    let header = report.record.header
    for series in header.series {
      for note in (series.origin?.notes ?? []) + header.baseWords(of: series) {
        Output.note(visible("\(series.name): \(note)"))
      }
    }
    for one in recorded where !suite.covers(one.series.patches.flatMap(\.paths)) {
      Output.note(
        "\(one.series.name) changes nothing that the suite \(suite.name) tests: "
          + suite.paths.map(\.text).joined(separator: ", "))
    }
    return (report, directory, interrupted)
  }

  /// Prints where the reports are, and how to continue a run that was stopped.
  static func tell(_ directory: RunDirectory, _ interrupted: Bool, together: FilePath? = nil) {
    Output.reports(ReportFiles.paths(in: directory.path).map(\.string))
    if interrupted {
      Output.note("patchbench: stopped; what was finished is in the reports")
      Output.note("  → `\(resume(together ?? directory.path))` continues with the rest")
    }
  }

  /// Returns the command that continues a run.
  static func resume(_ path: FilePath) -> String { Tool("patchbench", ["resume", path.string]).commandLine }
}
