public import ArgumentParser
public import Bench
import BenchModel
import Foundation
import KernelBuild
import Reports
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

      The verdict of a series is one of clean, fixes, regresses, does-not-apply, does-not-build, does-not-boot, \
      inconclusive. Ctrl-C ends builds and guests and keeps what was finished.
      """)

  @Argument(help: ArgumentHelp("A series, or a directory of several.", valueName: "path"))
  var paths: [String]

  @Option(help: "The kernel: a directory under Kernels/.")
  var kernel = "linux-6.12"

  @Option(help: "The configuration of that kernel.")
  var profile = "kasan"

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

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let places = try common.places()
    let definition = try KernelDefinition.load(kernel, from: places.kernels)
    let series = try SeriesDirectory.find(paths)
    try refuseIfUnfit(Doctor.quick(guestBinary: places.guestBinary))
    let plan = RunPlan(
      kernel: definition, profile: try definition.profile(profile), series: series, guestBinary: places.guestBinary,
      cache: try Cache(common.cacheRoot(environment)), connection: connect, accelerator: accelerator,
      resources: resources(), fresh: fresh, output: output.map { FilePath($0) },
      environment: environment, version: Patchbench.version)

    if dryRun {
      let forecast = try await BenchRun(plan, sinks: []).forecast()
      Output.result(json ? try ForecastText.json(forecast) : ForecastText.text(forecast))
      return
    }
    let display = ProgressDisplay(total: series.count)
    let (directory, interrupted) = try await untilSignal {
      try await BenchRun(plan, sinks: [display]).run()
    }
    display.finish()
    let report = try ReportFiles.write(directory)
    guard let report else {
      throw Failure(
        "stopped before anything was tested", advice: "the base's build goes on where it stopped when you run it again",
        status: ExitStatus.inconclusive)
    }
    if json {
      Output.result(try report.json())
      Output.error(report.terminal(color: Output.isColored(2), width: Output.width(2)))
    } else {
      Output.result(report.terminal(color: Output.isColored(1), width: Output.width(1)))
    }
    for suffix in ["html", "md", "json"] { Output.error("  \(directory.report(suffix))") }
    if interrupted { Output.error("patchbench: stopped; what was finished is in the reports") }
    throw ExitCode(exitStatus(report.judgements, interrupted: interrupted))
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
