// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
public import GuestProtocol
public import Verdicts

/// What the history keeps of one run. It follows from the run's record alone, so that the history can always be made
/// again from the records.
public struct RunRow: Sendable, Hashable {
  /// The id in the run's record.
  public var id: String
  /// The run's directory, absolute.
  public var directory: String
  /// The directory of the command that it belongs to: its own, or the one above the runs of several kernels.
  public var command: String
  public var cell: Cell
  public var started: Date
  /// `nil` if it was stopped.
  public var finished: Date?
  /// Whether only some of the tests were asked for. Its verdicts are no verdicts on the whole.
  public var isPart: Bool
  public var ground: Ground
  /// The base, and then the series in the order of the run. A trial that was not finished has no row.
  public var trials: [TrialRow]

  /// What a run stands on, in words.
  public struct Ground: Sendable, Hashable, Codable {
    /// `Debian linux-source-6.12 6.12.117-1~deb12u1`
    public var source: String
    /// Of a git tree; `nil` otherwise.
    public var revision: String?
    /// `uname -r` of the base; `nil` if it did not boot.
    public var release: String?
    public var toolchain: String
    public var emulator: String
    public var accelerator: Accelerator
    public var patchbench: String
    /// Digests of all that decides the results; `nil` in old records.
    public var conditions: RunConditions?
  }
}

/// The base, or one series, in one run.
public struct TrialRow: Sendable, Hashable {
  /// `nil` is the base.
  public var series: SeriesRow?
  /// `nil` for the base.
  public var verdict: Verdict?
  /// The weightiest reason of the verdict, or what ails the base; empty for a base that completed.
  public var reason: String
  /// Wall time without waiting; `nil` if it is not known.
  public var seconds: Double?
  /// Whether the result is an earlier run's. Its time is not.
  public var isReused: Bool
  /// The tests that were planned on either side.
  public var plan: [String]
  /// What is worth keeping of them. Of the base: each that is not `ok`. Of a series: each that differs from the base's
  /// in the same run, or was tried more than once. All others are `ok`, or as on the base.
  public var results: [ResultRow]
  public var reports: [ReportRow]
  /// Whether its evidence is still there. This alone is not in the record.
  public var hasEvidence = true
}

/// A series as a run names it.
public struct SeriesRow: Sendable, Hashable {
  /// What its versions have in common: its change-id, or else its name without the version.
  public var lineage: String
  public var name: String
  public var version: Int
  public var messageID: String?
  /// The ids of its patches as `git patch-id --stable` gives them, in order; empty if they are not known.
  public var patches: [String]

  public init(_ series: PatchSeries, patches: [String]) {
    lineage = series.origin?.changeID ?? series.stem
    name = series.name
    version = series.number
    messageID = series.origin?.messageID
    self.patches = patches
  }
}

/// A test's result in one trial.
public struct ResultRow: Sendable, Hashable {
  public var test: String
  public var status: TestStatus
  /// `nil` for the base.
  public var change: Change?
  /// The tries of this trial that gave an answer.
  public var tries: Tries
  /// Those on the base, for this trial.
  public var baseTries: Tries
  /// Whether it counts against the series.
  public var isWorse: Bool
  public var reason: String
}

/// A kernel report in one trial.
public struct ReportRow: Sendable, Hashable {
  public var title: String
  public var count: Int
  /// Whether it counts against the series. Otherwise the base has it, too, or it is a known one.
  public var isNew: Bool
}
