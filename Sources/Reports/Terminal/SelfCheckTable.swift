// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import Verdicts

/// Shows which faults patchbench catches and misses, as a table for a terminal.
public enum SelfCheckTable {
  /// - Parameters:
  ///   - questions: maps a test's name to the question that it answers.
  ///   - color: whether to colour the outcomes with escape sequences.
  ///   - width: the terminal's columns; longer lines are cut.
  public static func text(_ check: SelfCheck, questions: [String: String], color: Bool, width: Int = 100) -> String {
    let paint = Paint(isOn: color)
    let first = max(6, check.rows.map { Columns.width(of: visible($0.series)) }.max() ?? 0)
    let second = SelfCheck.Outcome.allCases.map(\.rawValue.count).max() ?? 0
    var lines = [
      paint.dim(Columns.pad("SERIES", to: first) + "  " + Columns.pad("OUTCOME", to: second) + "  CAUGHT BY")
    ]
    for row in check.rows {
      let outcome = paint.outcome(Columns.pad(row.outcome.rawValue, to: second), row.outcome)
      let words = Columns.cut(visible(words(row)), to: max(20, width - first - second - 4))
      lines.append(Columns.pad(visible(row.series), to: first) + "  " + outcome + "  " + words)
      if !row.outcome.isPassed {
        lines.append(paint.dim("  " + Columns.cut(visible("\(row.fault)"), to: width - 2)))
      }
    }
    lines += ["", summary(check)]
    if let seconds = check.firstNews {
      lines.append("First bad news: \(Words.duration(seconds)) after the guest's first line (median of the faults).")
    }
    if !check.isWhole {
      lines.append("Each fault ran until it was caught. `--whole` also shows which tests no fault makes fail.")
    }
    if !check.silentTests.isEmpty {
      lines += ["", "No fault made these \(check.silentTests.count) of \(check.tests) tests fail:"]
      for one in check.explained {
        let tests = one.tests.count == 1 ? "" : " (\(one.tests.count))"
        lines.append("  " + visible(one.reason.test) + tests + ": " + visible(one.reason.why))
      }
      if !check.failingOnBase.isEmpty {
        lines.append("  \(check.failingOnBase.count) fail without any series, so no fault can make them fail:")
        for name in check.failingOnBase { lines.append("    " + Columns.cut(visible(name), to: width - 4)) }
      }
      if !check.suspects.isEmpty { lines.append("  Suspect, because no reason is given for keeping them:") }
      for name in check.suspects {
        lines.append("    " + Columns.cut(visible(name + (questions[name].map { "  \($0)" } ?? "")), to: width - 4))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ row: SelfCheck.Row) -> String {
    switch row.outcome {
    case .caught, .told:
      let more = row.witnesses.count + row.others - 1
      return row.witnesses[0] + (more == 0 ? "" : " (+\(more) more)")
    case .clean: return ""
    case .missed: return "the verdict is \(row.verdict.rawValue)"
    case .caughtByOthers, .falseAlarm, .undecided: return "\(row.verdict.rawValue): \(row.reason)"
    }
  }

  /// `50 faults: 47 caught, 1 by others, 2 missed. 12 harmless series: 12 clean, 0 false alarms.`
  private static func summary(_ check: SelfCheck) -> String {
    let count = { (outcome: SelfCheck.Outcome) in check.count(of: outcome) }
    let faults = count(.caught) + count(.told) + count(.caughtByOthers) + count(.missed)
    let right = count(.clean) + count(.falseAlarm)
    let undecided = count(.undecided) == 0 ? "" : " \(count(.undecided)) undecided."
    let told = count(.told) == 0 ? "" : "\(count(.told)) told as different, "
    return
      "\(faults) faults: \(count(.caught)) caught, \(told)\(count(.caughtByOthers)) by others, \(count(.missed)) missed. "
      + "\(right) harmless series: \(count(.clean)) clean, \(count(.falseAlarm)) false alarms.\(undecided)"
  }
}

extension Paint {
  func outcome(_ text: String, _ outcome: SelfCheck.Outcome) -> String {
    switch outcome {
    case .caught, .told, .clean: verdict(text, .clean)
    case .caughtByOthers, .undecided: verdict(text, .inconclusive)
    case .missed, .falseAlarm: verdict(text, .regresses)
    }
  }
}
