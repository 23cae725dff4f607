// SPDX-License-Identifier: Apache-2.0

public import BenchModel

extension Verdict {
  /// From the worst to the best.
  private static let byWeight: [Verdict] = [
    .doesNotApply, .doesNotBuild, .doesNotBoot, .regresses, .inconclusive, .fixes, .clean,
  ]

  /// The verdict of a series that was judged in several cells: that of its worst cell.
  ///
  /// A cell that is only built compiles a part of what a series changes, or nothing, and is inconclusive then. That is
  /// left out if the series is clean or fixes in a cell that boots: all of its code was compiled there, and ran.
  /// - Returns: `nil` if there are no cells.
  public static func worst(of cells: [(extent: Cell.Extent, verdict: Verdict)]) -> Verdict? {
    let ran = cells.contains { $0.extent == .boot && ($0.verdict == .clean || $0.verdict == .fixes) }
    let counting = cells.filter { !(ran && $0.extent == .build && $0.verdict == .inconclusive) }
    return byWeight.first { verdict in counting.contains { $0.verdict == verdict } }
  }
}
