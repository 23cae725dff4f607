// SPDX-License-Identifier: Apache-2.0

/// How long the files and the rows of nights are kept. `nil` is for ever.
public struct KeepLimits: Sendable, Hashable {
  /// The age of evidence, in seconds.
  public var evidence: Double?
  /// The space that all evidence may take, in bytes.
  public var size: Int64?
  /// The age of rows, in seconds.
  public var rows: Double?

  public init(evidence: Double? = nil, size: Int64? = nil, rows: Double? = nil) {
    self.evidence = evidence
    self.size = size
    self.rows = rows
  }

  /// What an age and a size look like, for messages.
  public static let ageWords = "an age such as 30d, 8w or 2y"
  public static let sizeWords = "a size such as 500M, 20G or 1T"

  /// Reads an age: `30d`, `8w`, `2y`.
  /// - Returns: seconds; `nil` if it is none. A year has 365 days.
  public static func age(_ text: String) -> Double? {
    let days: [Character: Double] = ["d": 1, "w": 7, "y": 365]
    return number(text).flatMap { number, unit in days[unit].map { Double(number) * $0 * 86_400 } }
  }

  /// Reads a size: `500M`, `20G`, `1T`.
  /// - Returns: bytes; `nil` if it is none. A kilobyte has 1024 bytes.
  public static func size(_ text: String) -> Int64? {
    let shifts: [Character: Int64] = ["M": 20, "G": 30, "T": 40]
    return number(text).flatMap { number, unit in shifts[unit].map { Int64(number) << $0 } }
  }

  /// A number of at most five digits, and one letter.
  private static func number(_ text: String) -> (Int, Character)? {
    guard let match = text.wholeMatch(of: /([0-9]{1,5})([a-zA-Z])/), let number = Int(match.output.1) else {
      return nil
    }
    return (number, match.output.2.first!)
  }
}
