// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

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
    if interrupted || judgements.isEmpty || judgements.contains(where: { $0.verdict == .inconclusive }) {
      return inconclusive
    }
    return judgements.contains(where: \.verdict.isWorse) ? worse : fine
  }
}
