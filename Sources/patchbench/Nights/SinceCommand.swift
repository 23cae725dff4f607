// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import History
import Nights
import SystemPackage
import Toolbox
import Verdicts

struct SinceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "since",
    abstract: "Say what changed since the last night, or since a day or a run: nothing else.",
    discussion: """
      What was tried from then on is compared with the last that was tried before, cell by cell: what got worse or \
      better, what is new or gone, which tests are newly flaky, which bases moved, what became slower.

        patchbench since
        patchbench since 2026-11-28
        patchbench since results/monday --json

      Exit status:

        0  nothing got worse
        1  something got worse, or a new series is worse than its base
        2  the command line cannot be used, or there is no history
      """)

  @Argument(
    help: ArgumentHelp(
      "A day, as 2026-11-28, or the directory of a run in the history. Default: the last command that ran.",
      valueName: "day|run"))
  var point: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var state: StateOptions

  func run() async throws {
    let store = try await state.history()
    let point = point
    let found = try await Blocking.run {
      Result {
        guard let date = try Self.date(point, store) else { return nil as (Changes, Bool)? }
        return (try store.changes(since: date), try store.isAhead(of: Date()))
      }
    }.get()
    guard let (changes, isLate) = found else {
      throw Failure(
        point.map { "“\($0)” is neither a day nor a run in the history" } ?? "the history is empty",
        advice: point == nil
          ? "`patchbench history add RUN` adds a run"
          : "write a day as 2026-11-28; `patchbench history add RUN` adds a run", status: ExitStatus.usage)
    }
    if isLate { Output.note(Self.clockWords) }
    Output.result(try json ? JSONText.of(changes) : ChangesText.text(changes, width: min(100, Output.width(1))))
    if changes.gotWorse { throw ExitCode(ExitStatus.worse) }
  }

  /// What is said if the history has runs that begin later than now.
  static let clockWords =
    "patchbench: the history has a run that begins later than now; if the clock was set back, what changed may be wrong"

  /// - Returns: `nil` if the point is unknown, or if there is none to take.
  private static func date(_ point: String?, _ store: HistoryStore) throws -> Date? {
    guard let point else { return try store.lastCommand() }
    let style = Date.ISO8601FormatStyle().year().month().day()
    if let day = try? style.parse(point) { return day }
    return try store.start(of: FilePath(point).absolute.string)
  }
}
