public import ArgumentParser
public import Bench
import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage

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

      Several kernels or profiles are taken one after the other, each with its base and all series, and each with a \
      record and reports of its own in a directory under --output; at the end one table shows the verdicts side by side.

      The verdict of a series is one of clean, fixes, regresses, does-not-apply, does-not-build, does-not-boot, \
      inconclusive. Ctrl-C ends builds and guests and keeps what was finished.
      """)

  @Argument(help: ArgumentHelp("A series, or a directory of several.", valueName: "path"))
  var paths: [String]

  @Option(
    name: .customLong("kernel"),
    help: ArgumentHelp("The kernel: a directory under Kernels/. More than once for several.", valueName: "kernel"))
  var kernels = ["linux-6.12"]

  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp("The configuration of that kernel. More than once for several.", valueName: "profile"))
  var profiles = ["kasan"]

  @Option(
    help: ArgumentHelp(
      "Where the run's record and reports go. Default: a new directory under results/.", valueName: "dir"))
  var output: String?

  @Option(help: "How many compilers, and how many guests, run at once. Default: by processors and memory.")
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "How much memory builds and guests may use together. Default: nine tenths of what is free.", valueName: "MiB"))
  var memory: Int?

  @Option(help: "auto, kvm or tcg. auto takes KVM where a probe boot shows that it works.")
  var accelerator = AcceleratorChoice.auto

  @Option(help: ArgumentHelp("A libvirt connection. Default: the driver embedded in this process.", valueName: "uri"))
  var connect: String?

  @Flag(help: "Judge the base and all series again, though their results were kept.")
  var fresh = false

  @Flag(help: "Print report.json on standard output instead of the table.")
  var json = false

  @Flag(help: "Say what would be done and about how long it would take, and do none of it.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number of at least 1.") }
    if let memory, memory < 1024 {
      throw ValidationError("--memory needs at least 1024 MiB: one guest and its kernel.")
    }
  }

  private func resources() -> Resources {
    let memory = memory ?? Resources.spareMemory()
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return Resources(jobs: jobs ?? Resources.standardJobs(processors: processors, memory: memory), memory: memory)
  }

  /// A plan for each configuration, which share nothing but the series.
  private func plans(_ environment: [String: String]) throws -> [RunPlan] {
    let places = try common.places()
    let series = try SeriesDirectory.find(paths)
    let configurations = try kernels.flatMap { name in
      let kernel = try KernelDefinition.load(name, from: places.kernels)
      return try profiles.map { (kernel, try kernel.profile($0)) }
    }
    try refuseIfUnfit(Doctor.quick(guestBinary: places.guestBinary))
    let cache = try Cache(common.cacheRoot(environment))
    let resources = resources()
    let together =
      output.map { FilePath($0) }
      ?? (configurations.count > 1
        ? RunDirectory.fresh(under: FilePath("results"), label: "matrix", at: Date()) : nil)
    return configurations.map { kernel, profile in
      RunPlan(
        kernel: kernel, profile: profile, series: series, guestBinary: places.guestBinary, cache: cache,
        connection: connect, accelerator: accelerator, resources: resources, fresh: fresh,
        output: configurations.count > 1 ? together?.appending("\(kernel.name)-\(profile.name)") : together,
        environment: environment, version: Patchbench.version)
    }
  }

  func run() async throws {
    let plans = try plans(ProcessInfo.processInfo.environment)
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
    try await RunMatrix(plans: plans, json: json).run()
  }
}

extension AcceleratorChoice: ExpressibleByArgument {}

/// Options that several commands have.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "patchbench's checkout. Default: found from the program or the current directory.", valueName: "dir"))
  var home: String?

  @Option(
    help: ArgumentHelp(
      "Where built bases are kept. Default: $PATCHBENCH_CACHE, else patchbench in $XDG_CACHE_HOME or ~/.cache.",
      valueName: "dir"))
  var cache: String?

  func places() throws -> Places { try Places.find(home) }

  /// Absolute, because tools run elsewhere.
  func cacheRoot(_ environment: [String: String]) -> FilePath {
    let path = cache.map { FilePath($0) } ?? Cache.standardRoot(environment: environment)
    return path.isAbsolute ? path : FilePath(FileManager.default.currentDirectoryPath).pushing(path)
  }
}
