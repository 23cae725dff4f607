// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// The exit statuses, which scripts rely on.
///
/// ``inconclusive`` wins over ``worse``: if a script sees 1, every other series has been judged.
public enum ExitStatus {
  /// No series is worse than its base.
  public static let fine: Int32 = 0
  /// At least one series is worse.
  public static let worse: Int32 = 1
  /// The command line or the input is unusable. This is detected before anything is judged.
  public static let usage: Int32 = 2
  /// The harness failed, the run was stopped, or something is inconclusive.
  public static let inconclusive: Int32 = 3

  /// The exit status of `patchbench run`. A run without a series judged nothing, which is also inconclusive.
  public static func of(_ judgements: [Judgement], interrupted: Bool) -> Int32 {
    interrupted ? inconclusive : of(judgements.map(\.verdict))
  }

  /// The exit status for some verdicts. Without any, nothing was judged, which is also inconclusive.
  public static func of(_ verdicts: [Verdict]) -> Int32 {
    if verdicts.isEmpty || verdicts.contains(.inconclusive) { return inconclusive }
    return verdicts.contains(where: \.isWorse) ? worse : fine
  }
}
