// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// What the tests say between the patches of a series, in words. They quote the series and its kernels.
struct Bisection {
  /// Which tests ran, as a sentence.
  var course: String
  /// What breaks bisection, and what that means for the verdict; empty if nothing does.
  var findings: [String]
  /// The same for a terminal: a heading, and one line for each finding.
  var heading: String?
  var lines: [String]

  /// - Returns: `nil` if no tests ran there.
  init?(_ judgement: Judgement) {
    guard let tests = judgement.trial?.patchTests else { return nil }
    course = "Between its patches: \(tests.steps.map(Self.words).joined(separator: "; "))."
    heading = tests.bisection
    findings = tests.breaks.map { "\($0.words(in: judgement.series)): \(tests.bisection ?? "")" }
    lines = tests.breaks.map { $0.words(in: judgement.series, isShort: true) }
  }

  private static func words(_ step: PatchTests.Step) -> String {
    let after = "after patch \(step.number)"
    return switch step.outcome {
    case .ran(let count): "\(Words.counted(count, "test")) ran \(after)"
    case .sameCode: "\(after), the code is the base's"
    case .unchanged: "patch \(step.number) changes nothing that is compiled"
    case .asWhole: "\(after), the code is that of the whole"
    case .left(let reason): "no test ran \(after): \(reason)"
    case .failed(let words): "\(after), the kernel \(words)"
    case .fault(let reason): "no result \(after): \(reason)"
    }
  }
}
