// SPDX-License-Identifier: Apache-2.0

public import Verdicts

/// What several runs of one kernel have in common, for a terminal.
public enum RepeatsText {
  public static func text(_ repeats: Repeats, width: Int = 100) -> String {
    if repeats.areIdentical { return "\(repeats.runs) runs of the base, all the same\n" }
    var lines = ["\(repeats.runs) runs of the base; \(repeats.differences.count) things did not come out the same:"]
    for difference in repeats.differences {
      lines.append("  " + Columns.cut(visible(difference.name), to: width - 2))
      for outcome in difference.outcomes {
        lines.append("    \(outcome.count)×  " + Columns.cut(visible(outcome.words), to: width - 10))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
