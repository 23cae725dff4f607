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

  /// Returns one check for each cell: of the last trial there.
  /// - Parameter trials: the newest first; none is a warning, because what was not tried has not passed.
  public static func all(_ trials: [ToldTrial]) -> [Check] {
    if trials.isEmpty {
      return [Check(status: .warn, summary: "not tried yet", url: "", details: "no run in the history has it")]
    }
    // Of several versions, the newest counts, whenever it was tried.
    let newest = trials.map(\.version).max()
    var seen: Set<Cell> = []
    return trials.filter { $0.version == newest && seen.insert($0.cell).inserted }.map { trial in
      Check(
        status: trial.verdict.isWorse ? .fail : trial.verdict == .inconclusive ? .warn : .pass,
        summary: visible("\(trial.verdict.rawValue) on \(HistoryText.cell(trial.cell))"), url: trial.directory,
        details: visible("\(trial.name), \(HistoryText.day(trial.started)) UTC: \(trial.reason)"))
    }
  }

  /// As `b4.prep-perpatch-check-cmd` takes it, which names the tool itself: a line for each warning, and one with `ERROR:` for each failure.
  public static func lines(_ checks: [Check]) -> [String] {
    checks.filter { $0.status != .pass }.map {
      ($0.status == .fail ? "ERROR: " : "") + "\($0.summary): \($0.details)"
    }
  }
}
