// SPDX-License-Identifier: Apache-2.0

/// Why a stage has no result: the harness failed, or the user stopped the run. Whatever a series did wrong is a
/// result and never an error.
public enum StageError: Error, Sendable, Hashable {
  case fault(HarnessFault)
  /// A disk is full. Whatever comes next would fail as well, so this ends a run and not a trial alone.
  case noSpace(Stage)
  case cancelled

  public static func fault(_ stage: Stage, _ message: String, advice: String? = nil) -> StageError {
    .fault(HarnessFault(stage: stage, message: message, advice: advice))
  }
}
