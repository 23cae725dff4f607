// SPDX-License-Identifier: Apache-2.0

/// Lines at the bottom of a terminal that are overwritten by what comes next.
struct StatusBlock {
  /// How many lines are shown.
  private var count = 0

  /// Returns what to print to show these lines instead of those that are shown. None may be wider than the terminal.
  /// - Parameter height: the terminal's. What does not fit is counted in the last line.
  mutating func show(_ lines: [String], height: Int) -> String {
    if lines.isEmpty { return clear() }
    let most = max(1, height - 1)
    var shown = lines
    if lines.count > most { shown = lines.prefix(most - 1) + ["and \(lines.count - most + 1) more"] }
    let text = top + shown.map { "\u{1b}[K" + $0 }.joined(separator: "\n") + "\u{1b}[J"
    count = shown.count
    return text
  }

  /// Returns what to print to remove the lines that are shown.
  mutating func clear() -> String {
    if count == 0 { return "" }
    let text = top + "\u{1b}[J"
    count = 0
    return text
  }

  /// Leaves the lines that are shown where they are, because other text has been printed below them.
  mutating func forget() { count = 0 }

  /// Moves to the beginning of the first line.
  private var top: String { "\r" + (count > 1 ? "\u{1b}[\(count - 1)A" : "") }
}
