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
    abstract: "Carry out one trial of a run, by its order.",
    discussion: """
      An order says everything that decides a trial: the patches, the kernel, the tests, how often what changes is tried \
      again, and what the base said. `patchbench run --executor process` leaves one beside each series' evidence, and \
      carries each out by this command. The trial is DIR/trial.json; its evidence lies beside it.

        patchbench run ~/v4 --executor process --output results/v4
        patchbench trial results/v4/series/v4/order.json --output /tmp/v4

      The base, the guest binary, the test driver, the emulator and patchbench itself have to be those that the order was \
      made with.

      Exit status: 0 there is a trial, whatever it says of the series; 2 the order cannot be carried out; 3 the harness \
      failed.
      """)

  @Argument(help: ArgumentHelp("The order, a JSON file.", valueName: "order"))
  var order: String

  @Option(help: ArgumentHelp("Where the trial and its evidence go: a new directory.", valueName: "dir"))
  var output: String

  @Option(help: "How many compilers run at once. Default: by processors and memory.")
  var jobs: Int?

  @Flag(help: "Print the trial as JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws { try WorkOptions.check(jobs: jobs, memory: nil) }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let order = try TrialOrder(FilePath(order))
    let checkout = try common.checkout()
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
