// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The command that repeats one test on one series.
enum RerunCommand {
  /// `patchbench run ~/v3 --kernel linux-6.12 --profile kasan --tests forward/x/y --fresh`
  /// - Returns: `nil` if the path of the series is not known.
  static func command(_ test: String, of series: PatchSeries, _ header: RunHeader) -> String? {
    guard let path = series.path else { return nil }
    return [
      "patchbench", "run", quoted(path), "--kernel", quoted(header.cell.kernel), "--profile",
      quoted(header.cell.profile), "--tests", quoted(test), "--fresh",
    ].joined(separator: " ")
  }

  /// Returns the command that opens a shell in a guest with the series' kernel.
  static func shell(_ series: PatchSeries, _ header: RunHeader) -> String? {
    guard let path = series.path else { return nil }
    return [
      "patchbench", "shell", quoted(path), "--kernel", quoted(header.cell.kernel), "--profile",
      quoted(header.cell.profile),
    ].joined(separator: " ")
  }

  /// Returns the command that checks whether the tests would have caught a mistake in the lines that a series changes.
  /// - Returns: `nil` also if no changed line ran, so that no test could have.
  static func mutants(_ judgement: Judgement, _ header: RunHeader) -> String? {
    guard let path = judgement.series.path, let trial = judgement.trial, let lines = trial.change?.lines,
      lines.fates(trial.run?.execution).contains(where: { $0.runs > 0 })
    else { return nil }
    return [
      "patchbench", "mutants", "--series", quoted(path), "--kernel", quoted(header.cell.kernel), "--profile",
      quoted(header.cell.profile),
    ].joined(separator: " ")
  }

  /// Quotes a word for a shell. A word that needs no quotes gets none.
  static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    if isPlain, !word.isEmpty { return word }
    return "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
