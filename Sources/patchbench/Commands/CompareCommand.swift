// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Reports
import Verdicts

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Say what differs between two runs: two versions of a series, or last week and today.",
    discussion: """
      For each series: its verdict in both runs, the tests that are worse than on the base, or fixed, in only one of \
      them, the kernel reports of only one, and what differs by design in only one. If the base moved, that comes first.

        patchbench compare results/v3 results/v4
        patchbench compare results/last-week results/today --json

      Series match by their names, without a -vN at the end, or by their change-id. If each run has exactly one, these \
      two match. Directories above several runs are compared kernel by kernel and profile by profile. This needs no \
      kernel and no guest.

      Exit status:

        0  nothing got worse
        1  something got worse
        2  the command line cannot be used, or a path is no run
        3  something cannot be compared; this outweighs 1
      """)

  @Argument(help: ArgumentHelp("The directory of the earlier run, or of several.", valueName: "then"))
  var then: String

  @Argument(help: ArgumentHelp("The directory of the later run, or of several.", valueName: "now"))
  var now: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let difference = try difference()
    Output.result(
      try json
        ? ComparisonReport.json(difference)
        : ComparisonReport.terminal(difference, color: Output.isColored(1), width: Output.width(1)))
    if difference.exitStatus != ExitStatus.fine { throw ExitCode(difference.exitStatus) }
  }

  /// Reads both sides and compares them.
  func difference() throws -> RunsDifference {
    let (then, now) = (try RecordedRuns(in: then), try RecordedRuns(in: now))
    return RunsDifference(then: then.records.map(\.record), now: now.records.map(\.record), gaps: now.gaps)
  }
}
