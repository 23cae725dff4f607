// SPDX-License-Identifier: Apache-2.0

public import History
internal import Reports

/// What goes of the history and its runs, as text for a terminal.
public enum RetentionText {
  /// - Parameters:
  ///   - isDone: whether it has gone; otherwise it would go.
  ///   - root: the state directory.
  ///   - width: the most columns of a line.
  public static func text(_ plan: RetentionPlan, isDone: Bool, root: String, width: Int = 80) -> String {
    var lines = plan.steps.filter { !$0.isReportOnly }.map { line($0, root, width) }
    if !lines.isEmpty { lines.append("") }
    lines += Columns.wrap(summary(plan, isDone: isDone), to: width)
    if plan.isAboveLimit {
      lines += Columns.wrap(
        "That is more than the limit: the newest nights and the last trial of each series stay.", to: width)
    }
    if !plan.elsewhere.isEmpty {
      lines += Columns.wrap(
        "\(Words.counted(plan.elsewhere.count, "run")) outside of nights: yours, and never removed.", to: width)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What goes, in one line.
  public static func summary(_ plan: RetentionPlan, isDone: Bool) -> String {
    let trials = plan.steps.map(\.series.count).reduce(0, +)
    let rows = plan.steps.count(where: \.rows)
    var parts: [String] = []
    if plan.steps.contains(where: { !$0.series.isEmpty || $0.base }) {
      parts.append("evidence of \(Words.counted(trials, "trial")), \(Words.size(plan.bytes))")
    }
    if rows > 0 { parts.append("the rows of \(Words.counted(rows, "run"))") }
    let what = parts.isEmpty ? "nothing" : parts.joined(separator: "; ")
    return "\(isDone ? "Removed" : "Would remove"): \(what). Evidence that stays: \(Words.size(plan.staying))."
  }

  private static func line(_ step: RetentionPlan.Step, _ root: String, _ width: Int) -> String {
    var what = step.rows ? ["rows and record"] : step.series
    if step.base { what.append("the base") }
    let name = step.directory.hasPrefix(root + "/") ? String(step.directory.dropFirst(root.count + 1)) : step.directory
    let lead = visible(name) + (step.rows ? "" : "  \(Words.size(step.bytes))")
    return ([lead] + Columns.wrap(visible(what.joined(separator: ", ")), to: width - 4).map { "    " + $0 })
      .joined(separator: "\n")
  }
}

extension RetentionPlan.Step {
  /// Whether only its report is made again.
  fileprivate var isReportOnly: Bool { series.isEmpty && !base && !rows }
}
