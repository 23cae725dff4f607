// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import Bench
import BenchModel
import Foundation
import KernelBuild

/// The options of commands that run series: where results go, and which resources the work may use.
struct WorkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The directory for the run's record and reports. Default: a new directory under results/.", valueName: "dir"))
  var output: String?

  @Option(
    parsing: .unconditional,
    help: "How many compilers, and how many guests, to run at once. Default: depends on CPUs and memory.")
  var jobs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How much memory builds and guests may use together. Default: nine tenths of the free memory.", valueName: "MiB"))
  var memory: Int?

  @Option(help: "auto, kvm or tcg. auto uses KVM if a probe boot shows that it works.")
  var accelerator = AcceleratorChoice.auto

  @Option(help: ArgumentHelp("The libvirt connection. Default: the driver embedded in this process.", valueName: "uri"))
  var connect: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The time limit for a series' build; exceeding it counts as does-not-build. Default: 60.", valueName: "minutes"))
  var buildLimit: Double?

  @Flag(
    help: ArgumentHelp(
      "Read and build series outside the sandbox. Their authors can then run any code here as you. Reports say so."
    ))
  var noSandbox = false

  @Flag(help: "Ignore cached results, and judge the base and all series again.")
  var fresh = false

  /// Validates the options. The command's own `validate()` calls this, because by then all options are parsed.
  func check() throws {
    try Self.check(jobs: jobs, memory: memory)
    if let buildLimit, !(buildLimit > 0) { throw ValidationError("--build-limit must be more than 0 minutes.") }
  }

  static func check(jobs: Int?, memory: Int?) throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    if let memory, memory < 1024 {
      throw ValidationError("--memory must be at least 1024 MiB, for one guest and its kernel.")
    }
  }

  func target(
    _ kernel: KernelDefinition, _ profile: KernelDefinition.Profile, _ choice: BaseChoice? = nil
  ) -> RunTarget {
    RunTarget(kernel: kernel, profile: profile, connection: connect, accelerator: accelerator, choice: choice)
  }

  func limits() -> RunLimits {
    let resources = resources()
    return RunLimits(
      resources: resources, sandbox: sandbox(resources), slurm: SlurmLimits(jobs: jobs, memory: memory))
  }

  /// Returns the sandbox, or `nil` with `--no-sandbox`.
  func sandbox(_ resources: Resources) -> Sandbox? {
    noSandbox ? nil : Sandbox(jobs: resources.jobs, time: buildLimit.map { .seconds($0 * 60) })
  }

  func resources() -> Resources { Self.resources(jobs: jobs, memory: memory) }

  static func resources(jobs: Int?, memory: Int?) -> Resources {
    let memory = memory ?? Resources.spareMemory()
    let jobs = jobs ?? Defaults.current.jobs?.value
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return Resources(jobs: jobs ?? Resources.standardJobs(processors: processors, memory: memory), memory: memory)
  }
}

extension AcceleratorChoice: ExpressibleByArgument {}

extension ExecutorChoice: ExpressibleByArgument {}

extension EachPatch: ExpressibleByArgument {}
