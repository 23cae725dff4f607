// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import Bench
import Foundation
import KernelBuild

/// What the commands have that run series: where the results go, and what the work may take.
struct WorkOptions: ParsableArguments {
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

  @Option(
    help: ArgumentHelp(
      "How long the build of a series may take; longer counts as not building. Default: 60.", valueName: "minutes"))
  var buildLimit: Double?

  @Flag(
    help: ArgumentHelp(
      "Read and build series without a cage. Whoever wrote a patch can then run anything here as you; the report says so."
    ))
  var noSandbox = false

  @Flag(help: "Judge the base and all series again, though their results were kept.")
  var fresh = false

  /// For the command's own `validate()`, which knows that all options have been read.
  func check() throws {
    try Self.check(jobs: jobs, memory: memory)
    if let buildLimit, !(buildLimit > 0) { throw ValidationError("--build-limit needs a number of minutes above 0.") }
  }

  static func check(jobs: Int?, memory: Int?) throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number of at least 1.") }
    if let memory, memory < 1024 {
      throw ValidationError("--memory needs at least 1024 MiB: one guest and its kernel.")
    }
  }

  func target(_ kernel: KernelDefinition, _ profile: KernelDefinition.Profile) -> RunTarget {
    RunTarget(kernel: kernel, profile: profile, connection: connect, accelerator: accelerator)
  }

  func limits() -> RunLimits {
    let resources = resources()
    return RunLimits(resources: resources, sandbox: sandbox(resources))
  }

  /// `nil` where it is not wanted.
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
