// SPDX-License-Identifier: Apache-2.0

import Bench
import BisectRun
import Reports
import Toolbox

/// Shows on standard error which commit a bisection tries, what its run is doing, and what came of it.
final class BisectProgress: BisectTeller, Sendable {
  /// That of the step that is running.
  private let display = Locked<ProgressDisplay?>(nil)

  func begins(_ number: Int, _ kind: BisectStep.Kind, of commit: BisectCommit, left: Int?) -> [any EventSink] {
    let what =
      switch kind {
      case .whole: "the bad revision"
      case .again: "the bad revision again, with the tests that got worse alone"
      case .search: Words.counted(left ?? 0, "commit") + " left"
      }
    Output.note(visible("step \(number), \(what): \(commit.short) \(commit.subject)"))
    let next = ProgressDisplay(total: 1)
    display.withLock { $0 = next }
    return [next]
  }

  func completed(_ run: RunDirectory) async throws {
    finish()
    if try ReportFiles.kept(in: run) == nil { _ = try await ReportFiles.write(run) }
  }

  func ended(_ step: BisectStep, of bisection: Bisection) {
    finish()
    Output.note("step \(step.number), \(step.commit.short): \(BisectText.answer(step))")
    if step.kind != .search, let sought = bisection.sought, sought.isConfirmed {
      Output.note(BisectText.sought(sought))
    }
  }

  /// Removes the status lines.
  func finish() {
    display.withLock { display in
      display?.finish()
      display = nil
    }
  }
}
