// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import KernelBuild
import Reports
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

struct ArchiveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "archive",
    abstract: "Read every series of a mail archive, and count what can be read and what applies.",
    discussion: """
      ARCHIVE is a public-inbox git repository. Each version of each series in it is read as `run` reads it, and \
      compared with what b4 finds in the same thread. Each series that can be read is tried, with `git apply --check`, \
      on every kernel that is unpacked in the cache. Nothing is built, and nothing is kept.

      Each series takes a second or more. Ctrl-C ends it, and prints the table so far.

        patchbench archive ~/archive/0.git --since 2024-11-01
        patchbench archive ~/archive/0.git --json > series.json
      """)

  @Argument(help: ArgumentHelp("The archive's git repository.", valueName: "archive"))
  var archive: String

  @Option(
    help: ArgumentHelp("Leave out threads that began before this day. Default: two years ago.", valueName: "yyyy-mm-dd")
  )
  var since: String?

  @Option(parsing: .unconditional, help: "How many threads to read at once. Default: the number of CPUs.")
  var jobs: Int?

  @Flag(help: "Print every series as JSON on standard output instead of the table.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1.") }
    _ = try start()
  }

  private func start() throws -> Date {
    let style = Date.ISO8601FormatStyle().year().month().day()
    guard let since else { return Date(timeIntervalSinceNow: -2 * 365.25 * 86400) }
    guard let date = try? style.parse(since) else {
      throw ValidationError("--since '\(since)' is not a day. Write it as 2024-11-01.")
    }
    return date
  }

  func run() async throws {
    let checkout = try common.checkout()
    let cache = try Cache(common.cacheRoot(ProcessInfo.processInfo.environment))
    let mails = try MailArchive(archive)
    let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
    // An archive has what anyone sent to a list.
    let cage = try await Sandbox(jobs: jobs).cage()
    let kernels = UnpackedKernel.all(definedIn: checkout.kernels, cache: cache)
    if kernels.isEmpty {
      Output.note("no kernel is unpacked, so none is tried: `patchbench run --base-only` unpacks one")
    }
    let date = try start()
    let counted = ArchiveCount()
    do {
      try await untilSignal {
        try await cache.withScratch { scratch in
          try await ArchiveSurvey(archive: mails, kernels: kernels, cage: cage, scratch: scratch, jobs: jobs).run(
            since: date, report: counted.add)
        }
      }
    } catch {
      try show(counted.entries, kernels)
      throw error
    }
    try show(counted.entries, kernels)
  }

  private func show(_ entries: [ArchiveSurvey.Entry], _ kernels: [UnpackedKernel]) throws {
    let names = kernels.map(\.name)
    if json { return Output.result(try JSONText.of(entries)) }
    let table = ArchiveTable(entries, kernels: names)
    Output.result(table.text)
    for entry in table.unlikeB4.prefix(20) {
      Output.note("not read as b4 reads it: \(visible(entry.messageID)): \(visible(entry.refusal ?? "other patches"))")
    }
  }
}

/// Collects what a survey finds, and tells how far it is.
private final class ArchiveCount: Sendable {
  private let state = Locked((entries: [ArchiveSurvey.Entry](), done: 0))

  var entries: [ArchiveSurvey.Entry] { state.withLock { $0.entries } }

  @Sendable func add(_ found: [ArchiveSurvey.Entry], of threads: Int) {
    let (done, series) = state.withLock { state in
      state.entries += found
      state.done += 1
      return (state.done, state.entries.count)
    }
    if done % 50 == 0 || done == threads { Output.note("\(done) of \(threads) threads, \(series) series") }
  }
}
