// SPDX-License-Identifier: Apache-2.0

internal import Reports

/// A night's plan, as text for a terminal.
public enum NightText {
  /// - Parameter width: the most columns of a line.
  public static func plan(_ plan: NightPlan, width: Int = 80) -> String {
    var lines = ["Tonight (\(plan.tonight.count)), about \(Words.duration(plan.seconds)) in all:"]
    lines += plan.tonight.map { item($0, width) }
    if !plan.left.isEmpty {
      lines += ["", "Left for the next night (\(plan.left.count)):"] + plan.left.map { item($0, width) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What the budget left; nothing if all was done.
  public static func left(_ items: [NightPlan.Item], width: Int = 80) -> String {
    if items.isEmpty { return "" }
    return (["Left for the next night (\(items.count)):"] + items.map { item($0, width) } + [""]).joined(
      separator: "\n") + "\n"
  }

  private static func item(_ item: NightPlan.Item, _ width: Int) -> String {
    let cost = item.isKept ? "kept" : Words.duration(item.seconds)
    let rest = "  \(item.kernel) \(item.profile)  \(cost)"
    let name = Columns.middle(visible(item.series), to: max(12, width - 2 - Columns.width(of: rest)))
    return "  \(name)\(visible(rest))"
  }
}
