// SPDX-License-Identifier: Apache-2.0

/// Why a stage has no result: the harness failed, or the user stopped the run. A failure of the series is a result and
/// never an error.
public enum StageError: Error, Sendable, Hashable {
  case fault(HarnessFault)
  /// A disk is full. This ends the whole run and not just one trial, because everything after it would fail as well.
  case noSpace(Stage)
  case cancelled

  public static func fault(_ stage: Stage, _ message: String, advice: String? = nil) -> StageError {
    .fault(HarnessFault(stage: stage, message: message, advice: advice))
  }
}
