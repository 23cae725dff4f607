// SPDX-License-Identifier: Apache-2.0

/// Searches for the first patch of a series with which something is wrong that is not wrong on the base, by halves.
struct CulpritSearch {
  /// What is known of the first patches of a series.
  enum Answer: Hashable {
    case good, bad
    /// They do not build or boot, or the test gave no answer.
    case none
  }

  /// - Parameters:
  ///   - count: how many patches the series has; with all of them it is bad.
  ///   - ask: answers for the first so many patches, from 1 to `count - 1`. Each number is asked for once at most.
  /// - Returns: the number of the first bad patch that was found, and of the last good one before it.
  static func run(
    of count: Int, ask: (Int) async throws -> Answer
  ) async throws -> (bad: Int, good: Int) {
    var (good, bad) = (0, count)
    var without: Set<Int> = []
    while true {
      let middle = (good + bad) / 2
      let open = (good + 1..<max(good + 1, bad)).filter { !without.contains($0) }
      // Patches that give no answer lie beside each other: the nearest to the middle halves best.
      guard let next = open.min(by: { abs($0 - middle) < abs($1 - middle) }) else { return (bad, good) }
      switch try await ask(next) {
      case .good: good = next
      case .bad: bad = next
      case .none: without.insert(next)
      }
    }
  }
}
