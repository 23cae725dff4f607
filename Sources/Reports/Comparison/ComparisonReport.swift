// SPDX-License-Identifier: Apache-2.0

public import Verdicts

/// What differs between two runs, for a terminal and for programs.
public enum ComparisonReport {
  /// - Parameters:
  ///   - color: whether to colour the verdicts with escape sequences.
  ///   - width: the terminal's columns; longer lines are cut.
  public static func terminal(_ difference: RunsDifference, color: Bool, width: Int = 100) -> String {
    ComparisonText(difference, Paint(isOn: color), width: width).text
  }

  /// Returns JSON as described by `Schema/compare.schema.json`. Keys are sorted, so that equal differences give equal
  /// bytes.
  public static func json(_ difference: RunsDifference) throws -> String {
    try ComparisonDocument(difference).encoded()
  }
}
