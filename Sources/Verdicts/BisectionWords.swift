// SPDX-License-Identifier: Apache-2.0

public import BenchModel

extension BisectionBreak {
  /// Returns the finding as a sentence: `patch 1 of 2, “mm: …”, breaks TEST; patch 2 cures it`.
  /// - Parameter isShort: whether to leave out the patch's subject, for a line of a terminal.
  public func words(in series: PatchSeries, isShort: Bool = false) -> String {
    let subject = series.patches.indices.contains(number - 1) ? series.patches[number - 1].subject : ""
    let before = lastGood == number - 1 ? "" : " (or one from \(lastGood + 1) on)"
    let patch = "patch \(number) of \(series.patches.count)\(before)\(isShort ? "" : ", “\(subject)”,")"
    let cured = "patch \(cure)\(lastBad == cure - 1 ? "" : " (or one from \(lastBad + 1) on)") cures it"
    return switch symptom.kind {
    case .test:
      "\(patch) breaks \(symptom.name)\(symptom.alike == 0 ? "" : " (\(symptom.alike) more alike)"); \(cured)"
    case .report:
      "\(patch) brings “\(symptom.name)”\(symptom.test.map { " in \($0)" } ?? ""); \(cured)"
    case .kernel:
      "with \(patch) the kernel \(symptom.name); \(cured)"
    }
  }
}

extension PatchTests {
  /// What the breaks mean, as a heading of them; `nil` if there are none.
  public var bisection: String? {
    breaks.isEmpty ? nil : "the series breaks bisection, though the verdict of the whole stands"
  }
}
