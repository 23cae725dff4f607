// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// Which versions of a series are judged.
enum VersionChoice: String, ExpressibleByArgument, CaseIterable {
  case newest
  case all
}

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Test patch series against their base, and give each a verdict.",
    discussion: """
      Each PATH is one series or a directory of several. A series is a directory of `git format-patch` files, an mbox \
      (also of a whole thread), a patch or a diff; docs/input.md lists all forms. The base \
      is the same kernel without the series, and is built and tested in the same way.

        patchbench run Patches/candidates
        patchbench run --git ~/src/linux v6.12..topic
        patchbench run ~/v3 ~/v4 --kernel linux-6.12 --profile kasan
        patchbench run ~/v4 --json > verdict.json
        patchbench run series/ --dry-run
        patchbench run series/ --kernel linux-6.12 --kernel linux-6.1
        patchbench run ~/v4 --kernel my-linux --base v6.12-rc3
        patchbench run ~/v4 --tree ~/src/linux --revision drm-misc-next
        patchbench run --base-only --repeat 20
        patchbench run ~/v4 --tests 'invalidate/*' --tests forward/vgem-to-vkms/vm-file

      The verdict of a series is one of:

        clean           no test changed, no new kernel report, and every changed line ran; or same machine code
        fixes           a test that fails on the base passes, and nothing got worse
        regresses       a test or the kernel log got worse
        does-not-apply  git refused a patch
        does-not-build  the build failed or exceeded a limit, of the whole or after one of its patches
        does-not-boot   the guest never reached init
        inconclusive    the evidence supports no verdict, or a changed line never ran; this is never a pass

      If neither an option nor a configuration file names the base, it is chosen, one for all series: the base-commit \
      that they name, if a kernel's git repository has it; else the built kernel to which most of them apply; else the \
      default. The report says which one, and why. docs/input.md has the rules, and how prerequisites are found.

      Results are cached. They are reused while the patches, the kernel, its configuration, the guest binary, the \
      emulator and the toolchain stay the same; --fresh ignores them.

      Several kernels or profiles run one after the other, each with its base and all series. Each has its own \
      directory under --output, with its record and reports. At the end, one table shows the verdicts side by side.

      Ctrl-C ends builds and guests, and keeps what finished; `patchbench resume` continues with the rest.
      """)

  @Argument(help: ArgumentHelp("A series, or a directory of several.", valueName: "path"))
  var paths: [String] = []

  @Option(
    name: .customLong("git"),
    help: ArgumentHelp(
      """
      Each PATH is a range of commits, a branch or a tag of this git repository: --git REPO BASE..TOPIC is the same as \
      REPO:BASE..TOPIC.
      """, valueName: "repo"))
  var repository: String?

  @Option(
    help: ArgumentHelp(
      "If a mailbox has several versions of a series: newest, or all, each as a series of its own. PATH#v1 names one.",
      valueName: "newest|all"))
  var versions = VersionChoice.newest

  @Flag(help: "Run only the base, without any series.")
  var baseOnly = false

  @Option(
    name: .customLong("repeat"), parsing: .unconditional,
    help: ArgumentHelp(
      "How many times to run all tests. Reports pass rates, and whether they differ by more than chance.",
      valueName: "n"))
  var count = 1

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How many times to rerun a test whose result differs from the base, on both sides, before believing it.",
      valueName: "n"))
  var retries = RetryPolicy.standard.retries

  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp(
      "The kernel: a directory under Kernels/. Default: chosen, see above. Repeatable.", valueName: "kernel"))
  var kernels: [String] = []

  @Option(help: NamedKernels.help)
  var base: String?

  @Option(
    help: ArgumentHelp(
      """
      Take this kernel tree as the base, from 5.11 on, without a kernel.yaml. It is copied, never changed; in a git \
      work tree, what is not committed counts as well.
      """, valueName: "path"))
  var tree: String?

  @Option(
    help: ArgumentHelp("With --tree: this commit, tag or branch of its git repository.", valueName: "revision"))
  var revision: String?

  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp("The kernel's profile, which selects its config fragments. Repeatable.", valueName: "profile"))
  var profiles = [Defaults.current.profile.value]

  @Option(
    name: .customLong("profiles"),
    help: ArgumentHelp(
      "Instead of --profile: a group of profiles that kernel.yaml names, such as quick or full; all is every profile.",
      valueName: "group"))
  var group: String?

  @Option(
    name: .customLong("tests"),
    help: ArgumentHelp(
      "Run only the tests of this name; * matches any text. Repeatable.", valueName: "pattern"))
  var tests: [String] = []

  @Option(
    name: .customLong("accept-unreached"), parsing: .singleValue,
    help: ArgumentHelp(
      """
      Accept that a changed line never runs: FILE:LINE, a space, and the reason, in one argument. * in FILE:LINE \
      matches any text. The report shows the reason. Repeatable.
      """, valueName: "lines reason"))
  var accepted: [String] = []

  @Flag(
    name: .customLong("stop-at-first"),
    help: ArgumentHelp(
      """
      End each series' guest at its first confirmed regression. The tests that run the changed functions come first. \
      Without it, all tests run.
      """))
  var stopsAtFirst = false

  @Flag(
    name: .customLong("keep-vmcore"),
    help: ArgumentHelp(
      "Save the memory of guests that panic or hang as vmcore, a 512 MiB ELF core, next to the console log."))
  var keepsMemory = false

  @Option(
    help: ArgumentHelp(
      """
      Where trials run: local (in this process), process (each in its own `patchbench trial`), or slurm (each as a job \
      of Slurm's, docs/slurm.md).
      """))
  var executor = ExecutorChoice.local

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("With --executor slurm: how many jobs may be in Slurm's queue at once.", valueName: "n"))
  var slurmJobs = SlurmLimits().queue

  @Option(
    name: .customLong("series-config"), parsing: .singleValue,
    help: ArgumentHelp(
      """
      A setting for the series only, such as CONFIG_X=y for an option that the series adds. The base is built without \
      it. Repeatable.
      """, valueName: "setting"))
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      What to do with each patch of a series of several. none: only the whole series counts. build: compile each patch \
      in its turn; the first that does not build makes the series does-not-build. If the whole is not worse than the \
      base, also run a few tests after each patch, where that is cheap. test: build each patch, and run all tests \
      after it. The verdict is always that of the whole. The report says if the series breaks bisection: a patch \
      breaks a test, and a later patch cures it.
      """, valueName: "none|build|test"))
  var eachPatch = EachPatch.build

  @Flag(help: "Print report.json on standard output instead of the table.")
  var json = false

  @Flag(help: "Show what a run would do and roughly how long it would take, but do nothing.")
  var dryRun = false

  @OptionGroup var work: WorkOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try work.check()
    if baseOnly != paths.isEmpty {
      throw ValidationError(
        baseOnly ? "--base-only takes no series." : "Name a series, or a directory of several; or use --base-only.")
    }
    if stopsAtFirst, count > 1 || baseOnly {
      throw ValidationError("--stop-at-first needs series to compare, and cannot be combined with --repeat.")
    }
    if eachPatch == .test, count > 1 {
      throw ValidationError("--each-patch test cannot be combined with --repeat.")
    }
    if count < 1 { throw ValidationError("--repeat must be at least 1.") }
    if tree != nil, !kernels.isEmpty || base != nil {
      throw ValidationError("--tree names the base; it takes no --kernel and no --base.")
    }
    if revision != nil, tree == nil {
      throw ValidationError("--revision is one of --tree. For a kernel under Kernels/, it is --base.")
    }
    _ = try acceptedLines()
    if let wrong = settings.first(where: { !KernelSetting.isValid($0) }) {
      throw ValidationError("--series-config '\(wrong)' is not a setting. Write it as in .config: CONFIG_X=y.")
    }
    if slurmJobs < 1 { throw ValidationError("--slurm-jobs must be at least 1.") }
    if retries < 0 { throw ValidationError("--retries must be at least 0.") }
  }

  /// Parses arguments such as `drivers/gpu/drm/drm_prime.c:7* no driver here takes that route`.
  private func acceptedLines() throws -> [AcceptedLines] {
    try accepted.map { word in
      let parts = word.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else {
        throw ValidationError(
          "--accept-unreached '\(word)' gives no reason. Write it after the lines: '\(word) why they need not run'.")
      }
      return AcceptedLines(lines: NamePattern(String(parts[0])), reason: String(parts[1]))
    }
  }

  /// Returns one plan per configuration. The plans share nothing but the series.
  private func plans(_ environment: [String: String]) async throws -> (plans: [RunPlan], together: FilePath?) {
    let checkout = try common.checkout()
    var series: [any SeriesSource] =
      if paths.isEmpty { [] } else if let repository { try SeriesForms.find(paths, in: repository) } else {
        try SeriesForms.find(paths)
      }
    let trees = tree.map { [FilePath($0).absolute.string] } ?? []
    let named = try NamedKernels(kernels + trees, base: base ?? revision, in: checkout)
    // Report a misspelt name before anything is read.
    for kernel in try named?.kernels ?? [checkout.kernel(Defaults.current.kernel.value)] {
      for profile in try names(in: kernel) { _ = try kernel.profile(profile) }
    }
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary) + Doctor.executor(executor, environment))
    let cache = try Cache(common.cacheRoot(environment))
    var limits = work.limits()
    limits.slurm.queue = slurmJobs
    if versions == .all { series = try await allVersions(of: series, limits, cache) }
    let (found, choice) = try await targets(named, for: series, checkout, limits, cache)
    let configurations = try found.flatMap { kernel in
      try names(in: kernel).map { (kernel, try kernel.profile($0)) }
    }
    let together =
      work.output.map { FilePath($0) }
      ?? (configurations.count > 1
        ? RunDirectory.fresh(under: Defaults.current.results, label: "matrix", at: Date()) : nil)
    let accepted = try acceptedLines()
    let plans = configurations.map { kernel, profile in
      RunPlan(
        target: work.target(kernel, profile, choice), series: series,
        choices: RunChoices(
          tests: tests.map(NamePattern.init), fresh: work.fresh, keepsMemory: keepsMemory, stopsAtFirst: stopsAtFirst,
          accepted: accepted, executor: executor, settings: settings, eachPatch: eachPatch),
        retryPolicy: RetryPolicy(retries: retries, repeats: count), limits: limits, checkout: checkout,
        place: RunPlace(
          cache: cache,
          output: configurations.count > 1 ? together?.appending("\(kernel.label)-\(profile.name)") : together,
          results: Defaults.current.results, environment: environment),
        purpose: .verdicts)
    }
    return (plans, together)
  }

  /// Returns the names of the profiles to run.
  private func names(in kernel: KernelDefinition) throws -> [String] {
    if let group { try kernel.group(group) } else { profiles }
  }

  /// Returns the kernels to run on, and why.
  private func targets(
    _ named: NamedKernels?, for series: [any SeriesSource], _ checkout: Checkout, _ limits: RunLimits, _ cache: Cache
  ) async throws -> ([KernelDefinition], BaseChoice) {
    if let named { return (named.kernels, named.choice) }
    let chooser = BaseChooser(
      checkout, cache: cache, limits: limits, profiles: profiles, standard: Defaults.current.kernel.value)
    let (kernel, choice) = try await chooser.choose(for: series)
    return ([kernel], choice)
  }

  /// Returns the series with each version in a mailbox as a series of its own.
  private func allVersions(
    of series: [any SeriesSource], _ limits: RunLimits, _ cache: Cache
  ) async throws -> [any SeriesSource] {
    let cage = try await limits.sandbox?.cage()
    return try await cache.withScratch { scratch in
      try await SeriesForms.versions(of: series, scratch: scratch, cage: cage)
    }
  }

  func run() async throws {
    let (plans, together) = try await plans(ProcessInfo.processInfo.environment)
    if dryRun {
      var forecasts: [Forecast] = []
      for plan in plans { forecasts.append(try await BenchRun(plan, sinks: []).forecast()) }
      if json {
        Output.result(try forecasts.count > 1 ? JSONText.of(forecasts) : JSONText.of(forecasts[0]))
      } else {
        Output.result(forecasts.map(ForecastText.text).joined(separator: "\n\n"))
      }
      throw ExitCode(forecasts.contains(where: \.refuses) ? ExitStatus.worse : ExitStatus.fine)
    }
    try await RunMatrix(plans: plans, together: together, json: json).run()
  }
}
