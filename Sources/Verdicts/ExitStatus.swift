// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// What `patchbench run` ends with.
///
/// | status | meaning |
/// |---|---|
/// | 0 | no series is worse than its base |
/// | 1 | at least one is |
/// | 3 | the run was stopped, or at least one series is `inconclusive` |
///
/// 3 wins over 1: a script that reads 1 may rely on every other series having been judged. (2, a usage error, is
/// found before anything is judged.) A run without a series judged nothing, which is 3 as well.
public func exitStatus(_ judgements: [Judgement], interrupted: Bool) -> Int32 {
  if interrupted || judgements.isEmpty || judgements.contains(where: { $0.verdict == .inconclusive }) { return 3 }
  return judgements.contains(where: \.verdict.isWorse) ? 1 : 0
}
