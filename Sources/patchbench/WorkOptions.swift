public import ArgumentParser
public import Bench
import Foundation

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

  @Flag(help: "Judge the base and all series again, though their results were kept.")
  var fresh = false

  /// For the command's own `validate()`, which knows that all options have been read.
  func check() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number of at least 1.") }
    if let memory, memory < 1024 {
      throw ValidationError("--memory needs at least 1024 MiB: one guest and its kernel.")
    }
  }

  func resources() -> Resources {
    let memory = memory ?? Resources.spareMemory()
    let processors = ProcessInfo.processInfo.activeProcessorCount
    return Resources(jobs: jobs ?? Resources.standardJobs(processors: processors, memory: memory), memory: memory)
  }
}

extension AcceleratorChoice: ExpressibleByArgument {}
