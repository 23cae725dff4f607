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
      Output.result(try JSONText.of(checks) + "\n")
    } else {
      for line in Check.lines(checks) { Output.result(line + "\n") }
    }
  }

  /// Returns what the history has of a mail. Without a history, nothing was tried.
  private func trials(of mail: Data) async throws -> [ToldTrial] {
    guard HistoryStore.exists(in: state.directory) else { return [] }
    let store = try await state.history()
    if let id = Self.messageID(of: mail) {
      let found = try await Blocking.run { Result { try store.trials(of: id) } }.get()
      if !found.isEmpty { return found }
    }
    let cache = try Cache(common.cacheRoot(ProcessInfo.processInfo.environment))
    let cage = try await Sandbox(jobs: 1).cage()
    let digests: [String] = try await cache.withScratch { scratch in
      let file = scratch.appending("mail.patch")
      try mail.write(to: URL(filePath: file.string))
      // A cover letter has no diff, and what cannot be read was not tried.
      guard let source = try? SeriesForms.find([file.string]).first,
        let read = try? await source.read(into: scratch.appending("read"), cage: cage)
      else { return [] }
      var digests: [String] = []
      for diff in read.diffs { digests.append(try await Digest.of(file: diff)) }
      return digests
    }
    guard let digest = digests.first else { return [] }
    return try await Blocking.run { Result { try store.trials(withPatch: digest) } }.get()
  }

  /// Returns the Message-ID in a mail's head; `nil` if there is none.
  static func messageID(of mail: Data) -> String? {
    let text = String(decoding: mail.prefix(1 << 16), as: UTF8.self).replacing("\r\n", with: "\n")
    let head = text.prefix(upTo: text.firstRange(of: "\n\n")?.lowerBound ?? text.endIndex)
    return head.firstMatch(of: /(?i)(?:^|\n)message-id:\s*<([^<>\s]+)>/).map { String($0.output.1) }
  }
}
