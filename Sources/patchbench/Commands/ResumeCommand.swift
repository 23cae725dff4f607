// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import BisectRun
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Verdicts

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Continue a run that was stopped, killed, or ended by a full disk.",
    discussion: """
      Finished trials are kept. All others run again, with the patches as they were when the run began. The report is \
      the same as that of an uninterrupted run, except for its times.

      If any of these has changed since the run began, `resume` refuses, because it would mix evidence from two \
      setups: patchbench, the base, the guest binary, the test driver, the emulator, the accelerator.

        patchbench resume results/20261123T140509-linux-6.12-kasan
        patchbench resume results/20261123T140509-matrix

      A run that is complete is not changed; `patchbench report` renders it again. The exit status is that of the run.
      """)

  @Argument(help: ArgumentHelp("The directory of a run, or of several runs.", valueName: "run"))
  var directory: String

  @Flag(help: "Print report.json on standard output instead of the table.")
  var json = false

  @Option(
    parsing: .unconditional,
    help: "How many compilers, and how many guests, to run at once. Default: depends on CPUs and memory.")
  var jobs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How much memory builds and guests may use together. Default: nine tenths of the free memory.", valueName: "MiB"))
  var memory: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws { try WorkOptions.check(jobs: jobs, memory: memory) }

  func run() async throws {
    let root = FilePath(directory)
    if Bisection.isThere(root) {
      throw Failure(
        "\(directory) is a bisection", advice: "`\(BisectCommand.again(root))` continues it", status: ExitStatus.usage)
    }
    let directories = try Self.runs(in: root)
    let recorded = try directories.map { try $0.recordedPlan() }
    if recorded.contains(where: { $0.stopsWhenWorse == true }) {
      throw Failure(
        "\(directory) is a run of mutants",
        advice: "`\(MutantsCommand.again(directories[0]))` continues it", status: ExitStatus.usage)
    }
    let plans = try zip(directories, recorded).map {
      try Self.plan(
        $1, of: $0, common, resources: WorkOptions.resources(jobs: jobs, memory: memory),
        slurm: SlurmLimits(jobs: jobs, memory: memory))
    }
    if directories.count == 1, let answers = recorded[0].answers {
      let run = try await RunMatrix.one(plans[0], begun: directories[0])
      try SelfCheckCommand.conclude(run, kernel: recorded[0].kernel, answers: FilePath(answers), json: json)
    } else {
      try await RunMatrix(
        plans: plans, begun: directories, together: directories.count > 1 ? root : nil, json: json
      ).run()
    }
  }

  /// Returns the run in a directory, or the runs below it, in the order in which they began.
  private static func runs(in root: FilePath) throws -> [RunDirectory] {
    func isRun(_ path: FilePath) -> Bool {
      FileManager.default.fileExists(atPath: RunDirectory(path).plan.string)
    }
    if isRun(root) { return [RunDirectory(root)] }
    let names =
      RecordedMatrix(in: root)?.runs
      ?? ((try? FileManager.default.contentsOfDirectory(atPath: root.string)) ?? []).sorted()
      .filter { isRun(root.appending($0)) }
    if names.isEmpty { throw NotResumable(path: root.string, reason: .noPlan) }
    return names.map { RunDirectory(root.appending($0)) }
  }

  private static func purpose(_ recorded: RecordedPlan) throws -> RunPurpose {
    guard let answers = recorded.answers.map({ FilePath($0) }) else { return .verdicts }
    let isWhole = recorded.runsWhole ?? true
    return .selfCheck(
      answers: answers,
      witnesses: isWhole ? [:] : SeededSeries.witnesses(of: try SeededSeries.find(in: answers, kernel: recorded.kernel))
    )
  }

  /// Returns the plan that continues a recorded run on this machine. Tells if the run is complete.
  static func plan(
    _ recorded: RecordedPlan, of directory: RunDirectory, _ common: CommonOptions, resources: Resources,
    slurm: SlurmLimits = SlurmLimits()
  ) throws -> RunPlan {
    if let record = try directory.record(), !record.interrupted {
      let isKept = try recorded.stopsWhenWorse != true && ReportFiles.kept(in: directory) != nil
      Output.note(
        "patchbench: \(directory.path) is complete; \(isKept ? "nothing in it is changed" : "only its reports are written")"
      )
    } else {
      let checkout = try common.checkout(recorded.home, suite: recorded.suite)
      try refuseIfUnfit(
        Doctor.quick(guestBinary: checkout.guestBinary)
          + Doctor.executor(recorded.executor ?? .local, ProcessInfo.processInfo.environment))
    }
    return try same(recorded, common, in: directory.path, resources: resources, slurm: slurm)
  }

  /// Returns a plan with the options of a recorded one.
  static func same(
    _ recorded: RecordedPlan, _ common: CommonOptions, in directory: FilePath, resources: Resources,
    slurm: SlurmLimits = SlurmLimits()
  ) throws -> RunPlan {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout(recorded.home, suite: recorded.suite)
    let kernel = try checkout.kernel(recorded.kernel, at: recorded.choice?.revision)
    let cache = common.cache == nil ? FilePath(recorded.cache) : common.cacheRoot(environment)
    return RunPlan(
      target: RunTarget(
        kernel: kernel, profile: try kernel.profile(recorded.profile), connection: recorded.connection,
        accelerator: recorded.accelerator, choice: recorded.choice),
      // The run's directory has them.
      series: [],
      choices: RunChoices(
        tests: recorded.tests, fresh: recorded.fresh, keepsMemory: recorded.keepsMemory,
        stopsAtFirst: recorded.stopsAtFirst ?? false, accepted: recorded.accepted ?? [],
        executor: recorded.executor ?? .local, settings: recorded.settings ?? [],
        eachPatch: recorded.eachPatch ?? .build),
      retryPolicy: RetryPolicy(retries: recorded.retries, repeats: recorded.repeats),
      limits: RunLimits(resources: resources, sandbox: recorded.sandbox, slurm: slurm), checkout: checkout,
      place: RunPlace(
        cache: try Cache(cache), output: directory, results: Defaults.current.results, environment: environment),
      purpose: try Self.purpose(recorded))
  }
}
