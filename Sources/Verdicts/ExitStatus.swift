// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// The exit statuses, which scripts rely on.
///
/// ``inconclusive`` wins over ``worse``: a script that reads 1 may rely on every other series having been judged.
public enum ExitStatus {
  /// No series is worse than its base.
  public static let fine: Int32 = 0
  /// At least one series is worse.
  public static let worse: Int32 = 1
  /// The command line or the input cannot be used. It is found before anything is judged.
  public static let usage: Int32 = 2
  /// The harness failed, the run was stopped, or something is inconclusive.
  public static let inconclusive: Int32 = 3

  /// What `patchbench run` ends with. A run without a series judged nothing, which is inconclusive as well.
  public static func of(_ judgements: [Judgement], interrupted: Bool) -> Int32 {
    if interrupted || judgements.isEmpty || judgements.contains(where: { $0.verdict == .inconclusive }) {
      return inconclusive
    }
    return judgements.contains(where: \.verdict.isWorse) ? worse : fine
  }
}
