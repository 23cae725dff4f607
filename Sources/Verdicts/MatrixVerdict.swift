// SPDX-License-Identifier: Apache-2.0

public import BenchModel

/// What one cell says of a series.
public struct CellVerdict: Sendable, Hashable {
  public var cell: Cell
  public var verdict: Verdict
  /// Whether the series was built, beside a base that was built, and nothing else was asked. An inconclusive verdict then
  /// says that not all of its code is compiled in this cell.
  public var isBuiltOnly: Bool

  /// - Parameter base: the base's trial in the same cell.
  public init(_ judgement: Judgement, in cell: Cell, base: Trial?) {
    self.cell = cell
    verdict = judgement.verdict
    let result = judgement.trial?.result
    isBuiltOnly = cell.extent == .build && base?.result == .built && (result == .built || result == .sameCode)
  }

  init(_ verdict: Verdict, in cell: Cell, isBuiltOnly: Bool = false) {
    (self.cell, self.verdict, self.isBuiltOnly) = (cell, verdict, isBuiltOnly)
  }

  /// Whether it leaves open only what another cell answers: it compiles a part of the code, and all of that code ran in
  /// a cell of the same kernel.
  /// - Parameter cells: the series in all cells.
  public func isAnswered(by cells: [CellVerdict]) -> Bool {
    guard isBuiltOnly, verdict == .inconclusive else { return false }
    return cells.contains {
      $0.cell.kernel == cell.kernel && $0.cell.extent == .boot && ($0.verdict == .clean || $0.verdict == .fixes)
    }
  }
}

extension Verdict {
  /// From the worst to the best.
  private static let byWeight: [Verdict] = [
    .doesNotApply, .doesNotBuild, .doesNotBoot, .regresses, .inconclusive, .fixes, .clean,
  ]

  /// The verdict of a series that was judged in several cells: that of its worst cell.
  ///
  /// A cell that is only built compiles a part of what a series changes, or nothing, and is inconclusive then. That is
  /// left out if the series is clean or fixes in a cell of the same kernel that boots: all of its code was compiled there,
  /// and ran. Every other inconclusive cell counts: its harness may have failed.
  /// - Returns: `nil` if there are no cells.
  public static func worst(of cells: [CellVerdict]) -> Verdict? {
    let counting = cells.filter { !$0.isAnswered(by: cells) }
    return byWeight.first { verdict in counting.contains { $0.verdict == verdict } }
  }
}
