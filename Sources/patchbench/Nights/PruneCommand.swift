// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import History
import Nights
import SystemPackage
import Toolbox
import Verdicts

extension HistoryCommand {
  struct Prune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "prune", abstract: "Remove old evidence of nights, and then old rows.",
      discussion: """
        Evidence are the files of a run: consoles, KTAP, logs of builds, diffs. It goes by its age, and then by its \
        size, the oldest first. That of a series that regresses or does not boot goes only by size, after all other, \
        or with its rows. Rows go last, and only by age, together with the record that they are made from.

        The newest night of each matrix, and the last trial of each series on each kernel and profile, stay. Runs \
        that are not in nights/ in the state directory are yours: their files are never removed.

          patchbench history prune --keep-evidence 30d --dry-run
          patchbench history prune --keep-evidence 30d --evidence-size 20G --keep-rows 2y

        A matrix file can say the same for its own nights, under `keep`.

        Exit status: 0 all that is too old or too big has gone; 2 the command line cannot be used, or there is no \
        history; 3 something could not be removed, or it was stopped.
        """)

    @Option(help: ArgumentHelp("How long to keep evidence: 30d, 8w, 2y.", valueName: "age"))
    var keepEvidence: String?

    @Option(help: ArgumentHelp("How much space all evidence may take: 500M, 20G, 1T.", valueName: "size"))
    var evidenceSize: String?

    @Option(help: ArgumentHelp("How long to keep rows and records: 30d, 8w, 2y.", valueName: "age"))
    var keepRows: String?

    @Flag(help: "Show what would go, and the space that it takes; remove nothing.")
    var dryRun = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func validate() throws { _ = try limits() }

    private func limits() throws -> KeepLimits {
      func read<Value>(_ text: String?, _ name: String, _ words: String, _ read: (String) -> Value?) throws -> Value? {
        guard let text else { return nil }
        guard let value = read(text) else { throw ValidationError("\(name) must be \(words).") }
        return value
      }
      let limits = KeepLimits(
        evidence: try read(keepEvidence, "--keep-evidence", KeepLimits.ageWords, KeepLimits.age),
        size: try read(evidenceSize, "--evidence-size", KeepLimits.sizeWords, KeepLimits.size),
        rows: try read(keepRows, "--keep-rows", KeepLimits.ageWords, KeepLimits.age))
      if limits == KeepLimits() {
        throw ValidationError("Nothing is too old or too big: say --keep-evidence, --evidence-size or --keep-rows.")
      }
      return limits
    }

    func run() async throws {
      let pruning = Pruning(state: state.directory, limits: try limits())
      let dryRun = dryRun
      let outcome = try await untilSignal { try await dryRun ? pruning.plan() : pruning.work() }
      let root = state.directory.string
      if json {
        Output.result(try JSONText.of(outcome))
      } else {
        Output.result(
          RetentionText.text(outcome.plan, isDone: outcome.isDone, root: root, width: min(100, Output.width(1))))
      }
      if !outcome.tellFailures() { throw ExitCode(ExitStatus.inconclusive) }
    }
  }
}

extension Pruning.Outcome {
  /// Tells what could not be removed.
  /// - Returns: whether there is nothing to tell.
  func tellFailures() -> Bool {
    for failure in failures {
      Failure("\(failure.directory) stays: \(failure.reason)", status: ExitStatus.inconclusive).say()
    }
    return failures.isEmpty
  }
}
