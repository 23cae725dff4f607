// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// Everything that tests may say between the patches of a series.
func broken(_ words: String, report: String) -> PatchTests {
  let outcomes: [PatchTests.Outcome] = [
    .ran(tests: 32), .sameCode, .unchanged, .left("it takes 412 objects"), .failed(words), .fault(report), .asWhole,
  ]
  let symptoms = [
    BisectionBreak.Symptom(kind: .test, name: unbind, alike: 2),
    BisectionBreak.Symptom(kind: .report, name: report, test: unbind),
    BisectionBreak.Symptom(kind: .kernel, name: words),
  ]
  return PatchTests(
    isWhole: false, steps: outcomes.enumerated().map { PatchTests.Step(number: $0.offset + 1, outcome: $0.element) },
    breaks: symptoms.enumerated().map { index, symptom in
      BisectionBreak(number: 1 + index, lastGood: 0, lastBad: 1 + index, cure: 4, symptom: symptom)
    })
}
