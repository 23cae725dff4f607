// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Verdicts

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Test series against their base and say what each one changed.",
    discussion: """
      Each PATH is one series, a directory of `git format-patch` files whose name is the series' name, or a directory \
      of several such. The base is built and tested the same way. Results are kept and reused for as long as the patches, \
      the kernel, its configuration, the guest binary, the emulator and the toolchain are the same; --fresh judges again.

        patchbench run Patches/candidates
        patchbench run ~/v3 ~/v4 --kernel linux-6.12 --profile kasan
        patchbench run ~/v4 --json > verdict.json
        patchbench run series/ --dry-run
        patchbench run series/ --kernel linux-6.12 --kernel linux-6.1
        patchbench run --base-only --repeat 20
        patchbench run ~/v4 --tests 'invalidate/*' --tests forward/vgem-to-vkms/vm-file

      Several kernels or profiles are taken one after the other, each with its base and all series, and each with a \
      record and reports of its own in a directory under --output; at the end one table shows the verdicts side by side.

      The verdict of a series is one of clean, fixes, regresses, does-not-apply, does-not-build, does-not-boot, \
      inconclusive. Ctrl-C ends builds and guests and keeps what was finished; `patchbench resume` goes on.
      """)

  @Argument(help: ArgumentHelp("A series, or a directory of several.", valueName: "path"))
  var paths: [String] = []

  @Flag(help: "Try the base alone, without any series.")
  var baseOnly = false

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp(
      "How often the base and each series run all tests. Gives rates, and says whether they differ by chance.",
      valueName: "n"))
  var count = 1

  @Option(
    help: ArgumentHelp(
      "How often a test whose result differs from the base's is tried again, on both, before that is believed.",
      valueName: "n"))
  var retries = RetryPolicy.standard.retries

  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp("The kernel: a directory under Kernels/. More than once for several.", valueName: "kernel"))
  var kernels = [Defaults.current.kernel.value]

  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp("The configuration of that kernel. More than once for several.", valueName: "profile"))
  var profiles = [Defaults.current.profile.value]

  @Option(
    name: .customLong("tests"),
    help: ArgumentHelp(
      "Run only the tests of this name; * stands for any text. More than once for several.", valueName: "pattern"))
  var tests: [String] = []

  @Option(
    name: .customLong("accept-unreached"), parsing: .singleValue,
    help: ArgumentHelp(
      """
      A changed line need not have run: FILE:LINE, in which * stands for any text, then a blank and the reason, which the \
      report keeps. More than once for several.
      """, valueName: "lines reason"))
  var accepted: [String] = []

  @Flag(
    name: .customLong("keep-vmcore"),
    help: ArgumentHelp(
      "Keep the memory of guests that panic or hang: vmcore, an ELF core of 512 MiB, beside the console."))
  var keepsMemory = false

  @Option(
    help: ArgumentHelp(
      "What carries trials out: local (this process), or process (one of its own for each, by `patchbench trial`)."))
  var executor = ExecutorChoice.local

  @Flag(help: "Print report.json on standard output instead of the table.")
  var json = false

  @Flag(help: "Say what would be done and about how long it would take, and do none of it.")
  var dryRun = false

  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try work.check()
    if baseOnly != paths.isEmpty {
      throw ValidationError(
        baseOnly ? "--base-only takes no series." : "Name a series, or a directory of several; or use --base-only.")
    }
    if count < 1 { throw ValidationError("--repeat needs a number of at least 1.") }
    _ = try acceptedLines()
    if retries < 0 { throw ValidationError("--retries needs a number of at least 0.") }
  }

  /// `drivers/gpu/drm/drm_prime.c:7* no driver here takes that route`
  private func acceptedLines() throws -> [AcceptedLines] {
    try accepted.map { word in
      let parts = word.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else {
        throw ValidationError(
          "--accept-unreached '\(word)' gives no reason. Write it behind the lines: '\(word) why they need not run'.")
      }
      return AcceptedLines(lines: NamePattern(String(parts[0])), reason: String(parts[1]))
    }
  }

  /// A plan for each configuration, which share nothing but the series.
  private func plans(_ environment: [String: String]) throws -> (plans: [RunPlan], together: FilePath?) {
    let checkout = try common.checkout()
    let series = paths.isEmpty ? [] : try SeriesDirectory.find(paths)
    let configurations = try kernels.flatMap { name in
      let kernel = try KernelDefinition.load(name, from: checkout.kernels)
      return try profiles.map { (kernel, try kernel.profile($0)) }
    }
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let cache = try Cache(common.cacheRoot(environment))
    let limits = work.limits()
    let together =
      work.output.map { FilePath($0) }
      ?? (configurations.count > 1
        ? RunDirectory.fresh(under: Defaults.current.results, label: "matrix", at: Date()) : nil)
    let accepted = try acceptedLines()
    let plans = configurations.map { kernel, profile in
      RunPlan(
        target: work.target(kernel, profile), series: series,
        choices: RunChoices(
          tests: tests.map(NamePattern.init), fresh: work.fresh, keepsMemory: keepsMemory, accepted: accepted,
          executor: executor),
        retryPolicy: RetryPolicy(retries: retries, repeats: count), limits: limits, checkout: checkout,
        place: RunPlace(
          cache: cache,
          output: configurations.count > 1 ? together?.appending("\(kernel.name)-\(profile.name)") : together,
          results: Defaults.current.results, environment: environment),
        purpose: .verdicts)
    }
    return (plans, together)
  }

  func run() async throws {
    let (plans, together) = try plans(ProcessInfo.processInfo.environment)
    if dryRun {
      var forecasts: [Forecast] = []
      for plan in plans { forecasts.append(try await BenchRun(plan, sinks: []).forecast()) }
      if json {
        Output.result(try forecasts.count > 1 ? JSONText.of(forecasts) : JSONText.of(forecasts[0]))
      } else {
        Output.result(forecasts.map(ForecastText.text).joined(separator: "\n\n"))
      }
      return
    }
    try await RunMatrix(plans: plans, together: together, json: json).run()
  }
}
