// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import Toolbox
import Verdicts

struct TrialCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trial",
    abstract: "Run one trial from its order file.",
    discussion: """
      An order has everything that decides a trial: the patches, the kernel, the tests, the number of reruns, and the \
      base's results. `patchbench run --executor process` writes one next to each series' evidence, and runs each with \
      this command; --executor slurm does so on the nodes of a cluster. The result is DIR/trial.json, with the evidence \
      next to it. Its work directories are under $PATCHBENCH_SCRATCH, or else in the cache.

        patchbench run ~/v4 --executor process --output results/v4
        patchbench trial results/v4/series/v4/order.json --output /tmp/v4

      The base, the guest binary, the test driver, the emulator and patchbench itself must be the same as when the \
      order was written.

      Exit status: 0 the trial completed, whatever it says about the series; 2 the order cannot be run; 3 the harness \
      failed.
      """)

  @Argument(help: ArgumentHelp("The order, a JSON file.", valueName: "order"))
  var order: String

  @Option(help: ArgumentHelp("A new directory for the trial and its evidence.", valueName: "dir"))
  var output: String

  @Option(parsing: .unconditional, help: "How many compilers to run at once. Default: depends on CPUs and memory.")
  var jobs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How much memory its builds and guests may use together. Default: nine tenths of the free memory.",
      valueName: "MiB"))
  var memory: Int?

  @Flag(help: "Print the trial as JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws { try WorkOptions.check(jobs: jobs, memory: memory) }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let order = try TrialOrder(FilePath(order))
    let checkout = try common.checkout(suite: order.suite)
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    var place = try common.place(environment)
    // A node's own disk. A build tree's upper layer cannot lie on a network's.
    if let scratch = environment["PATCHBENCH_SCRATCH"], !scratch.isEmpty {
      try place.cache.use(scratch: FilePath(scratch).absolute)
    }
    let display = ProgressDisplay(total: 1)
    let (output, resources) = (FilePath(output), WorkOptions.resources(jobs: jobs, memory: memory))
    let trial = try await untilSignal { [place] in
      try await order.run(
        checkout: checkout, place: place, resources: resources, output: output, sinks: [display])
    }
    display.finish()
    if json { Output.result(try JSONText.of(trial)) } else { Output.result(ProgressDisplay.words(trial)) }
    Output.note("  \(output.appending("trial.json"))")
    if case .fault = trial.result { throw ExitCode(ExitStatus.inconclusive) }
  }
}
