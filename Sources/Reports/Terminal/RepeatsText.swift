// SPDX-License-Identifier: Apache-2.0

public import Verdicts

/// Shows how several runs of one kernel agree, for a terminal.
public enum RepeatsText {
  public static func text(_ repeats: Repeats, width: Int = 100) -> String {
    if repeats.areIdentical { return "\(repeats.runs) runs of the base, all identical\n" }
    var lines = ["\(repeats.runs) runs of the base; \(repeats.differences.count) results differed:"]
    for difference in repeats.differences {
      lines.append("  " + Columns.cut(visible(difference.name), to: width - 2))
      for outcome in difference.outcomes {
        lines.append("    \(outcome.count)×  " + Columns.cut(visible(outcome.words), to: width - 10))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
