// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import Verdicts

struct TrialCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trial",
    abstract: "Run one trial from its order file.",
    discussion: """
      An order has everything that decides a trial: the patches, the kernel, the tests, the number of reruns, and the \
      base's results. `patchbench run --executor process` writes one next to each series' evidence, and runs each with \
      this command. The result is DIR/trial.json, with the evidence next to it.

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

  @Flag(help: "Print the trial as JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws { try WorkOptions.check(jobs: jobs, memory: nil) }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let order = try TrialOrder(FilePath(order))
    let checkout = try common.checkout(suite: order.suite)
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let place = try common.place(environment)
    let display = ProgressDisplay(total: 1)
    let (output, resources) = (FilePath(output), WorkOptions.resources(jobs: jobs, memory: nil))
    let trial = try await untilSignal {
      try await order.run(
        checkout: checkout, place: place, resources: resources, output: output, sinks: [display])
    }
    display.finish()
    if json { Output.result(try JSONText.of(trial)) } else { Output.result(ProgressDisplay.words(trial)) }
    Output.note("  \(output.appending("trial.json"))")
    if case .fault = trial.result { throw ExitCode(ExitStatus.inconclusive) }
  }
}
