// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import Reports
import SeriesIntake
import SystemPackage
import Verdicts

struct SelfCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selfcheck",
    abstract: "Measure patchbench itself: run series with known answers, and show what it catches and misses.",
    discussion: """
      Runs every planted fault and every harmless series in Patches/seeded that exists for the kernel. A fault must be \
      caught by a test or a kernel report that is named for it: its trial ends as soon as one is confirmed. A harmless \
      series must be clean, in all tests.

        patchbench selfcheck
        patchbench selfcheck --kernel linux-6.1 --json
        patchbench selfcheck --whole                   all tests with each fault; which tests does no fault make fail?

      Exit status: 0 all as it should be; 1 a fault was missed, or a harmless series was accused; 3 something is \
      undecided, or the harness failed.
      """)

  @Option(help: "The kernel: a directory under Kernels/.")
  var kernel = Defaults.current.kernel.value

  @Option(help: "The kernel's profile, which selects its config fragments.")
  var profile = Defaults.current.profile.value

  @Option(
    help: ArgumentHelp(
      "The directory of the series and their answers. Default: Patches/seeded in the checkout.", valueName: "dir"))
  var seeded: String?

  @Flag(help: "Run all tests with each fault, and list the tests that no fault makes fail.")
  var whole = false

  @Flag(help: "Print JSON on standard output instead of the table.")
  var json = false

  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws { try work.check() }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    let definition = try checkout.kernel(kernel)
    let root = seeded.map { FilePath($0) } ?? checkout.seeded
    let series = try SeededSeries.find(in: root, kernel: definition.name)
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let plan = RunPlan(
      target: work.target(definition, try definition.profile(profile)), series: series.map(\.source),
      choices: RunChoices(
        tests: [], fresh: work.fresh, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .local,
        eachPatch: .none),
      // The same policy as in `run`, so that both share the base's result.
      retryPolicy: .standard, limits: work.limits(), checkout: checkout,
      place: try common.place(environment, output: work.output.map { FilePath($0) }),
      purpose: .selfCheck(answers: root, witnesses: whole ? [:] : SeededSeries.witnesses(of: series)))
    try Self.conclude(try await RunMatrix.one(plan), kernel: definition.name, answers: root, json: json)
  }

  /// Compares a run with the known answers, prints the result, and throws `ExitCode` unless all is as it should be.
  /// - Parameter answers: the directory of the seeded series.
  static func conclude(
    _ run: (report: Report, directory: RunDirectory, interrupted: Bool), kernel: String, answers root: FilePath,
    json: Bool
  ) throws {
    let (report, directory, interrupted) = run
    let series = try SeededSeries.find(in: root, kernel: kernel)
    let silence = try SeededSeries.silenceReasons(in: root)
    let check = SelfCheck(report.judgements, series.map(\.expectation), silence: silence)
    let table = { (stream: Int32) in
      SelfCheckTable.text(
        check, questions: report.record.header.questions, color: Output.isColored(stream), width: Output.width(stream))
    }
    if json {
      Output.result(try JSONText.of(check))
      Output.aside(table(2))
    } else {
      Output.result(table(1))
    }
    RunMatrix.tell(directory, interrupted)
    if interrupted || check.count(of: .undecided) > 0 { throw ExitCode(ExitStatus.inconclusive) }
    if !check.passed { throw ExitCode(ExitStatus.worse) }
  }
}
