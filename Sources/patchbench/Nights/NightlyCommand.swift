// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import History
import KernelBuild
import Nights
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

struct NightlyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nightly",
    abstract: "Try what a matrix file asks for, and say what changed since the last night.",
    discussion: """
      The file names kernels, profiles and series, with priorities and a time budget; docs/nightly.md explains it. What \
      has not changed since an earlier night is not run again. What does not fit into the budget is left for the next \
      night, the least important first. A night that was stopped goes on when the same command is given again.

        patchbench nightly docs/ci/example-matrix.yaml --dry-run
        patchbench nightly docs/ci/example-matrix.yaml
        patchbench nightly matrix.yaml --mail "/usr/sbin/sendmail -t -i"

      Its runs and reports are under nights/ in the state directory, and in the history.

      Exit status:

        0  nothing got worse
        1  something got worse, or a new series is worse than its base
        2  the command line, the file or a series cannot be used
        3  the harness failed, or the night was stopped; this outweighs 1
      """)

  @Argument(help: ArgumentHelp("The matrix file.", valueName: "matrix.yaml"))
  var file: String

  @Option(help: ArgumentHelp("The time that this night may take, instead of the file's: 6h, 90m.", valueName: "time"))
  var budget: String?

  @Flag(help: "Show what would be done, with its cost, and what would be left; do nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp(
      """
      Mail each owner what changed for them: each mail goes to the standard input of this command. - prints the mails. \
      Without this option, nothing is mailed.
      """, valueName: "command"))
  var mail: String?

  @Flag(help: "Also mail owners for whom nothing changed.")
  var always = false

  @Flag(help: "Print JSON: what changed, or with --dry-run the plan.")
  var json = false

  @OptionGroup var state: StateOptions
  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try work.check()
    if work.output != nil { throw ValidationError("--output is not for nights: their directory is in --state.") }
    if always, mail == nil { throw ValidationError("--always needs --mail.") }
    if let mail, mail.split(separator: " ").isEmpty { throw ValidationError("--mail needs a command, or -.") }
  }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let (matrix, work) = try await read(environment)
    let plan = try await work.plan(budget: matrix.budget)
    if dryRun {
      Output.result(try json ? JSONText.of(plan) : NightText.plan(plan, width: min(100, Output.width(1))))
      return
    }
    let path = FilePath(file).absolute.string
    let claim = try await Night.claim(path, in: state.directory)
    defer { claim.release() }
    let (directory, night, status) = try await tonight(path, work, plan)
    if status == ExitStatus.usage { throw ExitCode(status) }
    try await finish(night, in: directory, matrix, work)
  }

  /// Reads the matrix file, and finds everything in it.
  private func read(_ environment: [String: String]) async throws -> (MatrixFile, NightWork) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(
        "\(file) cannot be read", advice: "name a matrix file; docs/nightly.md has an example", status: ExitStatus.usage
      )
    }
    var matrix = try MatrixFile(yaml: String(decoding: data, as: UTF8.self), file: file)
    if let budget { matrix.budget = try MatrixFile.duration(budget, file: "--budget") }
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let limits = work.limits()
    let cache = try Cache(common.cacheRoot(environment))
    let found = try await NightWork(matrix, file: file, checkout: checkout) { archive, days in
      let cage = try await limits.sandbox?.cage()
      let start = Date(timeIntervalSinceNow: -Double(days) * 86_400)
      return try await cache.withScratch { scratch in
        try await MailArchive(archive).firstMails(since: start, in: scratch.appending("archive"), cage: cage)
      }.map { "\(archive)#\($0)" }
    } plan: { kernel, profile, series in
      RunPlan(
        target: work.target(kernel, profile), series: series,
        choices: RunChoices(
          tests: [], fresh: work.fresh, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local),
        retryPolicy: .standard, limits: limits, checkout: checkout, place: try common.place(environment),
        purpose: .verdicts)
    }
    return (matrix, found)
  }

  /// Does the night's work, or the rest of the last night's, if that was stopped.
  /// - Returns: also the exit status of the runs.
  private func tonight(
    _ path: String, _ work: NightWork, _ plan: NightPlan
  ) async throws -> (FilePath, Night, Int32) {
    let last = Night.newest(of: path, Night.all(in: state.directory))
    if let (name, night) = last, !night.isOver {
      let directory = Night.place(state.directory).appending(name)
      let status = try await goOn(night, in: directory)
      // What the night stood on may have changed since. Then this is a new night.
      if status != ExitStatus.usage { return (directory, night, status) }
      Output.note("patchbench: the night in \(directory) cannot go on; this is a new one")
    }
    if plan.tonight.isEmpty {
      throw Failure(
        plan.left.isEmpty ? "\(file) names no series" : "no series fits into the budget",
        advice: plan.left.isEmpty ? nil : "`--dry-run` shows what each takes; raise the budget",
        status: ExitStatus.usage)
    }
    let began = Date()
    let label = FilePath(file).stem ?? "matrix"
    let directory = RunDirectory.fresh(under: Night.place(state.directory), label: label, at: began)
    let plans = work.runs(plan, in: directory)
    let night = Night(
      matrix: path, number: (last?.night.number ?? 0) + 1, began: began,
      runs: plans.map { $0.place.output!.lastComponent!.string }, left: plan.left)
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    try night.write(in: directory)
    Output.note(
      "patchbench: a night in \(directory)"
        + (plan.left.isEmpty ? "" : "; \(plan.left.count) trials are left for the next one"))
    let runs = RunMatrix(plans: plans, together: plans.count > 1 ? directory : nil, json: false, isAside: json)
    return (directory, night, try await Self.status { try await runs.run() })
  }

  private func goOn(_ night: Night, in directory: FilePath) async throws -> Int32 {
    let runs = night.runs.map { RunDirectory(directory.appending($0)) }
    // A night that was stopped before its runs began has nothing to go on with.
    guard let recorded = try? runs.map({ try $0.recordedPlan() }) else { return ExitStatus.usage }
    Output.note("patchbench: the night in \(directory) goes on")
    let plans = try zip(runs, recorded).map { try ResumeCommand.plan($1, of: $0, common, resources: work.resources()) }
    let matrix = RunMatrix(
      plans: plans, begun: runs, together: runs.count > 1 ? directory : nil, json: false, isAside: json)
    do { return try await Self.status { try await matrix.run() } } catch is NotResumable { return ExitStatus.usage }
  }

  /// Returns the status that runs end with.
  private static func status(of body: () async throws -> Void) async throws -> Int32 {
    do {
      try await body()
      return ExitStatus.fine
    } catch let code as ExitCode { return code.rawValue }
  }

  /// Adds the night's runs to the history, and tells what changed.
  ///
  /// A series that is worse than its base is no news: what changed decides the exit status.
  private func finish(
    _ night: Night, in directory: FilePath, _ matrix: MatrixFile, _ work: NightWork
  ) async throws {
    let runs = night.runs.map { directory.appending($0) }
    _ = try await HistoryRuns.add(runs, to: state.directory)
    let records = try runs.compactMap { try RunDirectory($0).record() }
    // A cell that gave no answer may give none in any night, so only what was stopped is tried again.
    let gaps = RecordedMatrix(in: directory)?.gaps ?? []
    let isStopped =
      records.contains(where: \.interrupted)
      || gaps.contains { $0 == .stopped(kernel: $0.kernel, profile: $0.profile) }
    let isWhole = records.count == runs.count && records.allSatisfy(\.hasVerdicts)
    let state = state.directory
    let (changes, isLate) = try await Blocking.run {
      Result {
        let store = try HistoryStore(in: state)
        // Owners are told by the nights of their own matrix.
        let others = Night.commands(notOf: night.matrix, in: state)
        return (try store.changes(since: night.began, ignoring: others), try store.isAhead(of: Date()))
      }
    }.get()
    if isLate { Output.note(SinceCommand.clockWords) }
    let text = { (stream: Int32) in
      NightText.left(night.left, width: min(100, Output.width(stream)))
        + ChangesText.text(changes, width: min(100, Output.width(stream)))
    }
    if json {
      Output.result(try JSONText.of(changes))
    } else {
      Output.result("\n" + text(1))
    }
    if isStopped {
      Output.note("patchbench: the night is not over; the same command goes on with it")
      throw ExitCode(ExitStatus.inconclusive)
    }
    var isTold = true
    if let mail {
      let report = runs.count > 1 ? directory : runs[0]
      let mails = OwnerMail.all(
        changes, owners: work.owners, owner: matrix.owner, night: night.began,
        report: report.appending("report.html").string, always: always)
      isTold = try await NightMail(command: mail, directory: directory).send(mails)
    }
    var over = night
    over.isOver = true
    try over.write(in: directory)
    // A night whose old files stay has done its own work. But the disk would fill up, and nobody would know.
    let isPruned = try await prune(matrix, night.matrix)
    if !isTold || !isWhole || !isPruned { throw ExitCode(ExitStatus.inconclusive) }
    if changes.gotWorse { throw ExitCode(ExitStatus.worse) }
  }

  /// Removes what the matrix file does not keep of its nights.
  /// - Returns: whether all of that has gone.
  private func prune(_ matrix: MatrixFile, _ path: String) async throws -> Bool {
    guard let limits = matrix.keep else { return true }
    let pruning = Pruning(state: state.directory, limits: limits, matrix: path)
    do {
      let outcome = try await untilSignal { try await pruning.work() }
      if !outcome.plan.steps.isEmpty {
        Output.note("patchbench: old nights: \(RetentionText.summary(outcome.plan, isDone: true))")
      }
      return outcome.tellFailures()
    } catch {
      Failure(error).say()
      return false
    }
  }
}

extension RunRecord {
  /// Whether the harness failed at none of its series.
  fileprivate var hasVerdicts: Bool {
    header.series.allSatisfy { series in
      if case .fault? = trials[series.name]?.result { false } else { trials[series.name] != nil }
    }
  }
}
