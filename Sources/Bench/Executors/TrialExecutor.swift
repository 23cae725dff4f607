// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import SeriesIntake
import SystemPackage
import Toolbox

/// Runs trials. To add an executor, conform to this and add it to ``ExecutorChoice``.
protocol TrialExecutor: Sendable {
  /// Whether leading patches that several series share can be built once for all of these series.
  var sharesPatches: Bool { get }

  /// How many series may be between their first patch and their trial's end.
  var turns: Capacity { get }

  /// Runs the base's own image.
  /// - Throws: only what ends the run: a cancellation, a full disk, or ``SlurmError``.
  func runBase(evidence: FilePath) async throws -> Trial

  /// Tries a series.
  /// - Parameters:
  ///   - layer: its leading patches, if they are already built; else `nil`.
  ///   - evidence: the directory with its diffs.
  /// - Throws: only what ends the run: a cancellation, a full disk, or ``SlurmError``.
  func run(
    _ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath
  ) async throws -> Trial
}

extension TrialRunner: TrialExecutor {
  // A shared tree is built with the base's configuration.
  var sharesPatches: Bool { rules.settings == nil }

  var turns: Capacity { resources.series }
}
