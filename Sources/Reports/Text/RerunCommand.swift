// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Verdicts

/// The command that repeats one test on one series.
enum RerunCommand {
  /// `patchbench run ~/v3 --kernel linux-6.12 --profile kasan --tests forward/x/y --fresh`
  /// - Returns: `nil` if the path of the series is not known.
  static func command(_ test: String, of series: PatchSeries, _ header: RunHeader) -> String? {
    words(test, of: series, header)?.joined(separator: " ")
  }

  /// Returns the words of the command, each quoted if it has to be.
  /// - Parameter test: `nil` for all tests.
  static func words(_ test: String?, of series: PatchSeries, _ header: RunHeader) -> [String]? {
    guard let path = series.path else { return nil }
    // Those that have its prerequisites are run as well, because patchbench looks for them among what it is given.
    let others = Set(series.prerequisites.compactMap(\.from))
    let paths = [path] + header.series.filter { $0.name != series.name && others.contains($0.name) }.compactMap(\.path)
    return ["patchbench", "run"] + paths.map(quoted) + base(header)
      + (test.map { ["--tests", quoted($0)] } ?? []) + ["--fresh"]
  }

  /// Returns the command that opens a shell in a guest with the series' kernel.
  static func shell(_ series: PatchSeries, _ header: RunHeader) -> String? {
    guard let path = series.path, standsAlone(series, header) else { return nil }
    return (["patchbench", "shell", quoted(path)] + base(header)).joined(separator: " ")
  }

  /// Returns the command that checks whether the tests would have caught a mistake in the lines that a series changes.
  /// - Returns: `nil` also if no changed line ran, so that no test could have.
  static func mutants(_ judgement: Judgement, _ header: RunHeader) -> String? {
    guard let path = judgement.series.path, let trial = judgement.trial, let lines = trial.change?.lines,
      lines.fates(trial.run?.execution).contains(where: { $0.runs > 0 }), standsAlone(judgement.series, header)
    else { return nil }
    return (["patchbench", "mutants", "--series", quoted(path)] + base(header)).joined(separator: " ")
  }

  /// Whether it has none of its patches from another series of the run, which such a command would not find.
  private static func standsAlone(_ series: PatchSeries, _ header: RunHeader) -> Bool {
    let names = Set(header.series.map(\.name))
    return !series.prerequisites.contains { $0.from.map(names.contains) == true }
  }

  /// The options that name the base.
  private static func base(_ header: RunHeader) -> [String] {
    ["--kernel", quoted(header.cell.kernel)] + (header.choice?.revision.map { ["--base", quoted($0)] } ?? [])
      + ["--profile", quoted(header.cell.profile)]
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
