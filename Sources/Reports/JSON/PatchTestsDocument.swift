// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// What the tests say between the patches of a series.
struct PatchTestsDocument: Encodable {
  var all: Bool
  var steps: [StepDocument]
  var breaks: [BreakDocument]

  struct StepDocument: Encodable {
    var patch: Int
    var outcome: Outcome
    @ExplicitNull var tests: Int?
    @ExplicitNull var detail: String?

    enum Outcome: String, Encodable, CaseIterable {
      case ran
      case sameCode = "same-code"
      case unchanged
      case asWhole = "as-whole"
      case leftOut = "left-out"
      case failed
      case fault
    }

    init(_ step: PatchTests.Step) {
      patch = step.number
      switch step.outcome {
      case .ran(let count):
        outcome = .ran
        tests = count
      case .sameCode: outcome = .sameCode
      case .unchanged: outcome = .unchanged
      case .asWhole: outcome = .asWhole
      case .left(let reason):
        outcome = .leftOut
        detail = reason
      case .failed(let words):
        outcome = .failed
        detail = words
      case .fault(let reason):
        outcome = .fault
        detail = reason
      }
    }
  }

  struct BreakDocument: Encodable {
    var patch: Int
    var lastGood: Int
    var lastBad: Int
    var cure: Int
    var kind: BisectionBreak.Symptom.Kind
    var name: String
    @ExplicitNull var test: String?
    var alike: Int
    var words: String

    init(_ one: BisectionBreak, in series: PatchSeries) {
      patch = one.number
      lastGood = one.lastGood
      lastBad = one.lastBad
      cure = one.cure
      kind = one.symptom.kind
      name = one.symptom.name
      test = one.symptom.test
      alike = one.symptom.alike
      words = one.words(in: series)
    }
  }

  init(_ tests: PatchTests, in series: PatchSeries) {
    all = tests.isWhole
    steps = tests.steps.map(StepDocument.init)
    breaks = tests.breaks.map { BreakDocument($0, in: series) }
  }
}
