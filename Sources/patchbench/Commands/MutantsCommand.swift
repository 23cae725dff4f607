// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import MutantRun
import Mutation
import SystemPackage
import Toolbox
import Verdicts

struct MutantsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutants",
    abstract:
      "Measure how good the tests are: break one line of the kernel at a time, and see whether a test notices.",
    discussion: """
      A mutant is the kernel with one small slip: a lost put, a bound that is one too high, a wrong goto label. Each \
      mutant is judged like a series, against the same base, and ends as one of:

        killed     two tests got worse, one test got worse twice, the kernel reported something new, or the guest died
        alive      the changed code ran and no test noticed: a gap in the tests, unless argued to be equivalent
        unreached  the changed code never ran: also a gap
        same-code  the mutant compiles to the same code, so it was not run
        not-built  the mutant does not compile; this says nothing about the tests
        undecided  the harness failed, or the evidence is incomplete; never counted as killed

      The score is the share of killed mutants, with Wilson's 95 % interval. It leaves out same-code, not-built, and \
      the mutants that equivalent.yaml or unreachable.yaml argues away. Mutants that are argued to be equivalent are \
      not run, unless --argued asks for them. functions.yaml lists the functions to draw from, and why. All three \
      files are in Patches/mutants.

      The same seed draws the same mutants on every machine. A smaller --count draws the first mutants of a larger one.

        patchbench mutants --count 40
        patchbench mutants --count 40 --seed 20261128 --functions 'dma_buf_*'
        patchbench mutants --series ~/v4
        patchbench mutants --resume results/20261128T140509-linux-6.12-kasan

      --series mutates the lines that a series changes, one mutant per line, and compares each mutant with the series' \
      own results: would the tests notice a slip in this change?

      A mutant that is noticed ends with the first tests that notice it. A mutant that is not noticed takes as long as \
      all tests that run its line. Ctrl-C keeps the mutants that finished; --resume continues with the rest.

      Exit status: 0 every mutant was killed, is argued to be equivalent, or compiles to the same code; 1 at least one \
      is alive or unreached; 3 at least one is undecided, or the run was stopped.
      """)

  @Option(help: "The kernel: a directory under Kernels/. Default: \(Defaults.current.kernel.value).")
  var kernel: String?

  @Option(help: NamedKernels.help)
  var base: String?

  @Option(help: "The kernel's profile, which selects its config fragments.")
  var profile = Defaults.current.profile.value

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many mutants to draw. Default: 20; with --series, one per line.", valueName: "n"))
  var count: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The seed for drawing mutants. Default: today's date, as in 20261128.", valueName: "number"),
    transform: { text in
      guard let seed = UInt64(text) else { throw ValidationError("it must be a whole number of at least 0") }
      return seed
    })
  var seed: UInt64?

  @Option(
    name: .customLong("functions"),
    help: ArgumentHelp(
      "Mutate only the functions of this name, or FILE:NAME; * matches any text. Repeatable.",
      valueName: "pattern"))
  var functions: [String] = []

  @Option(help: ArgumentHelp("Mutate the lines that this series changes.", valueName: "path"))
  var series: String?

  @Option(
    name: .customLong("tests"),
    help: ArgumentHelp(
      "Run only the tests of this name; * matches any text. Repeatable.", valueName: "pattern"
    ))
  var tests: [String] = []

  @Option(help: ArgumentHelp("Continue a run that was stopped.", valueName: "run"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "The directory of functions.yaml, equivalent.yaml and unreachable.yaml. Default: the checkout's Patches/mutants.",
      valueName: "dir"))
  var lists: String?

  @Flag(
    help:
      "Also run mutants that are argued to be equivalent. If one is killed, it counts: its argument is wrong.")
  var argued = false

  @Flag(help: "Draw no mutants. List the lines that no test runs on the base, and the conditions that go only one way.")
  var lines = false

  @Flag(help: "Draw the mutants and print them as diffs, but run none.")
  var dryRun = false

  @Flag(help: "Print JSON on standard output instead of the table.")
  var json = false

  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try work.check()
    if lines, series != nil || count != nil || seed != nil || resume != nil || dryRun || argued {
      throw ValidationError(
        "--lines draws no mutants; it takes no --count, --seed, --series, --resume, --dry-run or --argued.")
    }
    if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
    if resume != nil,
      seed != nil || count != nil || series != nil || !functions.isEmpty || !tests.isEmpty || work.output != nil
        || argued
    {
      throw ValidationError(
        "--resume continues with the mutants already drawn; it takes no --count, --seed, --functions, --series, "
          + "--tests, --argued or --output.")
    }
  }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    let lists = lists.map { FilePath($0) } ?? checkout.mutants
    // Report a mistake in the lists now, not after hours of running mutants.
    let arguments = MutantArguments(
      equivalent: try EquivalentMutants(
        yaml: try Self.text(of: lists.appending("equivalent.yaml")), name: "equivalent.yaml"),
      unreachable: try UnreachableLines(
        yaml: try Self.text(of: lists.appending("unreachable.yaml")), name: "unreachable.yaml"))
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let begun = try resume.map { path -> (directory: RunDirectory, plan: MutantPlan) in
      guard let plan = MutantPlan(in: FilePath(path)) else {
        throw Failure(
          "\(path) is not a run of mutants that this patchbench can continue", advice: "start a new run",
          status: ExitStatus.usage)
      }
      return (RunDirectory(FilePath(path)), plan)
    }
    let plan = try runPlan(checkout, environment, begun?.directory)
    let seed = begun?.plan.seed ?? seed ?? Self.today()
    let list = try FunctionList(yaml: try Self.text(of: lists.appending("functions.yaml")), name: "functions.yaml")
    let patterns = functions.map(NamePattern.init)
    let display = MutantProgress()
    let (series, count) = (series, count)
    let skipped = argued ? EquivalentMutants() : arguments.equivalent
    let begin = { @Sendable () async throws -> (directory: RunDirectory, plan: MutantPlan) in
      if let begun { return begun }
      let run = MutantRun(plan, list: list, argued: skipped, sinks: [display])
      if let series { return try await run.begin(series: series, patterns: patterns, count: count, seed: seed) }
      return try await run.begin(patterns: patterns, count: count ?? 20, seed: seed)
    }
    if lines { return try await tellLines(plan, list, patterns, arguments.unreachable) }
    let isDry = dryRun
    let (directory, mutants, interrupted) = try await untilSignal {
      let (directory, mutants) = try await begin()
      display.begin(mutants, in: directory)
      if isDry { return (directory, mutants, false) }
      return (directory, mutants, try await MutantRun(plan, list: list, sinks: [display]).goOn(in: directory, mutants))
    }
    display.finish()
    if dryRun { return try show(mutants, directory) }
    guard try directory.record() != nil else {
      throw Failure(
        "stopped before anything was tested", advice: "`\(Self.again(directory))` continues it",
        status: ExitStatus.inconclusive, isStop: true)
    }
    let report = try MutantRun.report(directory, mutants, arguments: arguments)
    let text = try JSONText.of(report)
    try DurableFile.write(Array((text + "\n").utf8), to: directory.report("json"))
    if json { Output.result(text) }
    (json ? Output.aside : Output.result)(MutantTable.text(report))
    Output.reports([directory.report("json").string])
    if interrupted { Output.note("patchbench: stopped; `\(Self.again(directory))` continues with the rest") }
    let status = Self.status(report, interrupted)
    if status != ExitStatus.fine { throw ExitCode(status) }
  }

  private func tellLines(
    _ plan: RunPlan, _ list: FunctionList, _ patterns: [NamePattern], _ unreachable: UnreachableLines
  ) async throws {
    let display = MutantProgress()
    let (directory, lines) = try await untilSignal {
      try await MutantRun(plan, list: list, sinks: [display]).lines(patterns)
    }
    display.finish()
    let table = LineTable(lines, unreachable)
    Output.result(json ? try JSONText.of(table) : table.text)
    Output.note("  \(directory.path)")
    if !table.gaps.isEmpty { throw ExitCode(ExitStatus.worse) }
  }

  private func runPlan(_ checkout: Checkout, _ environment: [String: String], _ begun: RunDirectory?) throws -> RunPlan
  {
    if let begun {
      return try ResumeCommand.plan(try begun.recordedPlan(), of: begun, common, resources: work.resources())
    }
    let (definition, choice) = try NamedKernels.one(kernel, base: base, in: checkout)
    return RunPlan(
      target: work.target(definition, try definition.profile(profile), choice), series: [],
      choices: RunChoices(
        tests: tests.map(NamePattern.init), fresh: work.fresh, keepsMemory: false, stopsAtFirst: false, accepted: [],
        executor: .local),
      // The same policy as in `run`, so that both share the base's result.
      retryPolicy: .standard, limits: work.limits(), checkout: checkout,
      place: try common.place(environment, output: work.output.map { FilePath($0) }),
      purpose: .mutants(expected: nil, baseline: nil))
  }

  private func show(_ mutants: MutantPlan, _ directory: RunDirectory) throws {
    defer { try? directory.discard() }
    if json { return Output.result(try JSONText.of(mutants)) }
    for mutant in mutants.mutants {
      let own = (try? FileManager.default.contentsOfDirectory(atPath: directory.evidence(mutant.id).string)) ?? []
      guard let last = own.filter({ $0.hasSuffix(".diff") }).max() else { continue }
      let diff = try Self.text(of: directory.evidence(mutant.id).appending(last))
      Output.result("\(mutant.id)\n\(diff)")
    }
  }

  private static func status(_ report: MutantReport, _ interrupted: Bool) -> Int32 {
    if interrupted || report.score.undecided + report.score.notRun > 0 { return ExitStatus.inconclusive }
    return report.score.alive + report.score.unreached > 0 ? ExitStatus.worse : ExitStatus.fine
  }

  static func again(_ directory: RunDirectory) -> String {
    Tool("patchbench", ["mutants", "--resume", directory.path.string]).commandLine
  }

  private static func text(of file: FilePath) throws -> String {
    do { return try String(contentsOfFile: file.string, encoding: .utf8) } catch {
      throw Failure(
        "\(file) cannot be read", advice: "run patchbench in its checkout, or name the checkout with --home",
        status: ExitStatus.usage)
    }
  }

  /// Returns today's date as a number. A run on another day draws other mutants; a run on the same day can be repeated.
  private static func today() -> UInt64 {
    UInt64(Date().formatted(.iso8601.year().month().day()).filter(\.isNumber)) ?? 0
  }
}
