// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing
import Verdicts

@Suite struct MatrixVerdictTests {
  static let cases: [([(Cell.Extent, Verdict)], Verdict?)] = [
    ([], nil),
    ([(.boot, .clean)], .clean),
    // The worst cell counts, whatever the order.
    ([(.boot, .clean), (.build, .doesNotBuild)], .doesNotBuild),
    ([(.build, .doesNotBuild), (.boot, .regresses), (.boot, .clean)], .doesNotBuild),
    ([(.boot, .fixes), (.boot, .clean)], .fixes),
    ([(.boot, .inconclusive), (.boot, .fixes)], .inconclusive),
    // Compiled nowhere else, but compiled and run where it boots.
    ([(.boot, .clean), (.build, .inconclusive)], .clean),
    // Not seen to run anywhere.
    ([(.boot, .inconclusive), (.build, .clean)], .inconclusive),
    ([(.boot, .regresses), (.build, .inconclusive)], .regresses),
    ([(.build, .inconclusive), (.build, .clean)], .inconclusive),
  ]

  @Test(arguments: cases.indices) func theWorstCellDecides(_ index: Int) {
    let (cells, verdict) = Self.cases[index]
    #expect(Verdict.worst(of: cells.map { (extent: $0.0, verdict: $0.1) }) == verdict)
  }
}
