// SPDX-License-Identifier: Apache-2.0

/// Formats a run of mutants as text.
public enum MutantTable {
  /// - Returns: the scores by function and by operator, and every mutant that is alive, unreached or undecided, by
  ///   name.
  public static func text(_ report: MutantReport) -> String {
    var lines = [
      "\(report.kernel) (\(report.source)), profile \(report.profile), seed \(report.seed): \(report.mutants.count) of "
        + "\(report.candidates) mutants" + (report.series.map { " of the lines that \($0) changes" } ?? "")
    ]
    if let tests = report.tests { lines.append("a part of the suite: \(tests) tests") }
    let score = report.score
    lines.append("")
    lines.append(
      [
        "\(score.killed) killed", "\(score.alive) alive", "\(score.unreached) unreached",
        "\(score.sameCode) same code", "\(score.equivalent) argued equivalent", "\(score.notBuilt) not built",
        "\(score.undecided) undecided", "\(score.notRun) not run",
      ].joined(separator: ", "))
    if let share = report.ofReached { lines.append("of those that ran:    \(words(share))") }
    if let share = report.ofValid { lines.append("of those that could:  \(words(share))") }
    if report.series != nil, let share = report.ofValid {
      lines.append(summary(share, gaps: report.mutants(.alive).count + report.mutants(.unreached).count))
    }
    lines += table("FUNCTION", report.byFunction)
    lines += table("OPERATOR", report.byOperator)
    lines += section("alive", report.mutants(.alive), note: "gap")
    lines += section("unreached", report.mutants(.unreached), note: "gap")
    lines += section("argued to be equivalent", report.argued, note: nil)
    lines += section("undecided", report.mutants(.undecided), note: nil)
    return lines.joined(separator: "\n")
  }

  private static func summary(_ share: Share, gaps: Int) -> String {
    let rest = gaps == 0 ? "" : gaps == 1 ? "; not this one:" : "; not these \(gaps):"
    return "the suite would notice \(share.count) of \(share.of) slips in this change\(rest)"
  }

  /// `30 of 37 killed, 81 % (66 to 91 %)`
  static func words(_ share: Share) -> String {
    func percent(_ value: Double) -> String { "\(Int((value * 100).rounded()))" }
    return
      "\(share.count) of \(share.of) killed, \(percent(share.value)) % (95 %: \(percent(share.low)) to \(percent(share.high)) %)"
  }

  private static func table(_ head: String, _ scores: [String: MutantScore]) -> [String] {
    let rows = scores.sorted { $0.key < $1.key }.map { name, score in
      [
        name, "\(score.killed)", "\(score.alive)", "\(score.unreached)",
        "\(score.all - score.killed - score.alive - score.unreached)",
      ]
    }
    return [""] + columns([[head, "KILLED", "ALIVE", "UNREACHED", "OTHER"]] + rows)
  }

  private static func columns(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let pad = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + pad : pad + row[column]
      }.joined(separator: "  ")
    }
  }

  private static func section(_ title: String, _ mutants: [JudgedMutant], note: String?) -> [String] {
    if mutants.isEmpty { return [] }
    var lines = ["", "\(title):"]
    for one in mutants {
      let mutant = one.mutant
      lines.append("  \(mutant.place) \(mutant.function)() \(mutant.operator.rawValue)")
      lines.append("    - \(mutant.before)")
      lines.append("    + \(mutant.after)")
      if let why = one.equivalent ?? note {
        lines.append("    \(why)\(one.isArgued && one.fate == .notRun ? " (not tried)" : "")")
      }
      if one.fate == .undecided || one.fate == .unreached { lines.append("    \(one.reason)") }
    }
    return lines
  }
}
