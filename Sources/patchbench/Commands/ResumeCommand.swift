// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import Verdicts

struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with a run that was stopped, killed, or ended by a full disk.",
    discussion: """
      What was finished is taken as it is; what was not is tried afresh, with the patches as they were when the run began. \
      The report comes out as if nothing had happened, but for its times. Where patchbench, the base, the guest binary, the \
      test driver, the emulator or the accelerator is no longer the same, it would be another run: that is refused.

        patchbench resume results/20261123T140509-linux-6.12-kasan
        patchbench resume results/20261123T140509-matrix

      A run that has come to its end gets its reports written again. The exit status is that of the run.
      """)

  @Argument(help: ArgumentHelp("The directory of a run, or one of several.", valueName: "run"))
  var directory: String

  @Flag(help: "Print report.json on standard output instead of the table.")
  var json = false

  @Option(help: "How many compilers, and how many guests, run at once. Default: by processors and memory.")
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "How much memory builds and guests may use together. Default: nine tenths of what is free.", valueName: "MiB"))
  var memory: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws { try WorkOptions.check(jobs: jobs, memory: memory) }

  func run() async throws {
    let root = FilePath(directory)
    let directories = try Self.runs(in: root)
    let recorded = try directories.map { try $0.recordedPlan() }
    if recorded.contains(where: { $0.stopsWhenWorse == true }) {
      throw Failure(
        "\(directory) is a run of mutants",
        advice: "`\(MutantsCommand.again(directories[0]))` goes on with it", status: ExitStatus.usage)
    }
    let plans = try zip(directories, recorded).map {
      try Self.plan($1, of: $0, common, resources: WorkOptions.resources(jobs: jobs, memory: memory))
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

  /// The run in a directory, or those that it holds, in the order in which they were begun.
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

  /// What a begun run was asked to do, here and now.
  static func plan(
    _ recorded: RecordedPlan, of directory: RunDirectory, _ common: CommonOptions, resources: Resources
  ) throws -> RunPlan {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try CommonOptions.checkout(common.home ?? recorded.home)
    let kernel = try KernelDefinition.load(recorded.kernel, from: checkout.kernels)
    if let record = try directory.record(), !record.interrupted {
      Output.note("patchbench: \(directory.path) has come to its end; its reports are written again")
    } else {
      try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    }
    let cache = common.cache == nil ? FilePath(recorded.cache) : common.cacheRoot(environment)
    return RunPlan(
      target: RunTarget(
        kernel: kernel, profile: try kernel.profile(recorded.profile), connection: recorded.connection,
        accelerator: recorded.accelerator),
      // They are those of its directory.
      series: [],
      choices: RunChoices(
        tests: recorded.tests, fresh: recorded.fresh, keepsMemory: recorded.keepsMemory,
        accepted: recorded.accepted ?? [], executor: recorded.executor ?? .local),
      retryPolicy: RetryPolicy(retries: recorded.retries, repeats: recorded.repeats),
      limits: RunLimits(resources: resources, sandbox: recorded.sandbox), checkout: checkout,
      place: RunPlace(
        cache: try Cache(cache), output: directory.path, results: Defaults.current.results, environment: environment),
      purpose: recorded.answers.map { .selfCheck(answers: FilePath($0)) } ?? .verdicts)
  }
}
