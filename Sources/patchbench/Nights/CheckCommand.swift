// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import History
import KernelBuild
import Nights
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Answer b4's checks from the history, at once: was this patch tried, and what was said?",
    discussion: """
      Reads one mail on standard input: a patch, or a cover letter. It is found in the history by its Message-ID, or by \
      its diff. Nothing is built or booted. In git's configuration:

        [b4]
          prep-perpatch-check-cmd = patchbench check
          review-series-check-cmd = patchbench check --json

      Prints a line for each kernel and profile where the series is inconclusive, and one that begins with ERROR: where \
      it is worse than its base. What was not tried is a line, too, because it has not passed.

      Exit status: 0 if the question was answered, whatever the answer.
      """)

  @Flag(help: "Print a JSON array, as b4's review checks take it.")
  var json = false

  @OptionGroup var state: StateOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let mail = FileHandle.standardInput.readDataToEndOfFile()
    if mail.isEmpty {
      throw Failure(
        "no mail on standard input", advice: "`patchbench check < 0001-my-fix.patch`", status: ExitStatus.usage)
    }
    let checks = Check.all(try await trials(of: mail))
    if json {
      Output.result(try JSONText.of(checks))
    } else {
      for line in Check.lines(checks) { Output.result(line) }
    }
  }

  /// Returns what the history has of a mail. Without a history, nothing was tried.
  private func trials(of mail: Data) async throws -> [ToldTrial] {
    guard HistoryStore.exists(in: state.directory) else { return [] }
    let cache = try Cache(common.cacheRoot(ProcessInfo.processInfo.environment))
    let cage = try await Sandbox(jobs: 1).cage()
    let read = try await cache.withScratch { scratch in
      let file = scratch.appending("mail")
      try mail.write(to: URL(filePath: file.string))
      return try await LoneMail(file, in: scratch.appending("read"), cage: cage)
    }
    let store = try await state.history()
    return try await Blocking.run {
      Result {
        // Of the series' versions, only the one that is asked about.
        let known = try read?.messageID.map { try store.trials(withMessageID: $0) } ?? []
        // b4 gives a mail that is not sent yet a Message-ID of its own.
        return try known.isEmpty ? read?.patchID.map { try store.trials(withPatch: $0) } ?? [] : known
      }
    }.get()
  }
}
