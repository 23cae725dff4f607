// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Verdicts

@Suite struct MatrixVerdictTests {
  private static func cell(_ extent: Cell.Extent, _ kernel: String = "k") -> Cell {
    Cell(kernel: kernel, profile: "p", architecture: "x86_64", toolchain: "gcc", extent: extent, guest: "q35")
  }

  private static func booted(_ verdict: Verdict, _ kernel: String = "k") -> CellVerdict {
    CellVerdict(verdict, in: cell(.boot, kernel))
  }

  /// A cell in which the series was built, and nothing else was asked.
  private static func built(_ verdict: Verdict, _ kernel: String = "k") -> CellVerdict {
    CellVerdict(verdict, in: cell(.build, kernel), isBuiltOnly: true)
  }

  /// A cell in which the harness failed, or the profile needs a change.
  private static let unbuilt = CellVerdict(.inconclusive, in: cell(.build))

  static let cases: [([CellVerdict], Verdict?)] = [
    ([], nil),
    ([booted(.clean)], .clean),
    // The worst cell counts, whatever the order.
    ([booted(.clean), built(.doesNotBuild)], .doesNotBuild),
    ([built(.doesNotBuild), booted(.regresses), booted(.clean)], .doesNotBuild),
    ([booted(.fixes), booted(.clean)], .fixes),
    ([booted(.inconclusive), booted(.fixes)], .inconclusive),
    // Not compiled in one cell, but compiled and run where the same kernel boots.
    ([booted(.clean), built(.inconclusive)], .clean),
    ([booted(.clean, "other"), built(.inconclusive)], .inconclusive),
    // Not seen to build at all.
    ([booted(.clean), unbuilt], .inconclusive),
    // Not seen to run anywhere.
    ([booted(.inconclusive), built(.clean)], .inconclusive),
    ([booted(.regresses), built(.inconclusive)], .regresses),
    ([built(.inconclusive), built(.clean)], .inconclusive),
  ]

  @Test(arguments: cases.indices) func theWorstCellDecides(_ index: Int) {
    let (cells, verdict) = Self.cases[index]
    #expect(Verdict.worst(of: cells) == verdict)
  }

  /// Only a build beside a built base says that a cell merely does not compile the code.
  @Test(arguments: [
    (TrialResult.built, TrialResult.built, true), (.sameCode, .built, true), (.interrupted, .built, false),
    (.fault(HarnessFault(stage: .build, message: "m")), .built, false),
    (.built, .fault(HarnessFault(stage: .build, message: "m")), false),
  ]) func aFaultIsNotCodeThatIsNotCompiled(_ result: TrialResult, _ base: TrialResult, _ isBuiltOnly: Bool) {
    let cell = Self.cell(.build)
    func trial(_ series: String?, _ result: TrialResult) -> Trial {
      Trial(series: series, cell: cell, seconds: StageSeconds(), reused: false, result: result)
    }
    let judgement = judge(PatchSeries(name: "s", patches: []), trial: trial("s", result), base: trial(nil, base))
    #expect(CellVerdict(judgement, in: cell, base: trial(nil, base)).isBuiltOnly == isBuiltOnly)
  }
}
