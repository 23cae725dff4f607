// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import History
internal import Reports
internal import Verdicts

/// What the history says of a patch or a series, in the two forms that b4 takes from a check.
public struct Check: Codable, Sendable, Hashable {
  public enum Status: String, Codable, Sendable, Hashable {
    case pass, warn, fail
  }

  /// In the form of `b4.review-series-check-cmd`: the keys are b4's.
  public var tool = "patchbench"
  public var status: Status
  public var summary: String
  /// The run's directory.
  public var url: String
  public var details: String

  /// Returns one check for each cell: of the last trial there. What was not tried has not passed, and neither has what
  /// was tried with some of the tests, or was only built.
  /// - Parameter trials: of what is asked about, the newest first.
  public static func all(_ trials: [ToldTrial]) -> [Check] {
    var seen: Set<Cell> = []
    let last = trials.filter { seen.insert($0.cell).inserted }
    var checks = last.map { trial in
      let isOpen = trial.verdict == .inconclusive || trial.isPart
      return Check(
        status: trial.verdict.isWorse ? .fail : isOpen ? .warn : .pass,
        summary: visible("\(trial.words) on \(HistoryText.cell(trial.cell))"), url: trial.directory,
        details: visible("\(trial.name), \(HistoryText.day(trial.started)) UTC: \(trial.reason)"))
    }
    if !last.contains(where: { $0.cell.extent == .boot }) {
      checks.append(
        Check(
          status: .warn, summary: "not tested yet", url: "",
          details: last.isEmpty ? "no run in the history has it" : "it was only built"))
    }
    return checks
  }

  /// As `b4.prep-perpatch-check-cmd` takes it, which names the tool itself: a line for each warning, and one with
  /// `ERROR:` for each failure.
  public static func lines(_ checks: [Check]) -> [String] {
    checks.filter { $0.status != .pass }.map {
      ($0.status == .fail ? "ERROR: " : "") + "\($0.summary): \($0.details)"
    }
  }
}
