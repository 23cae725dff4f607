// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Bench

@Suite("Which patch of a series is to blame")
struct CulpritSearchTests {
  /// Searches a series whose patches from `first` on are bad, and some of which give no answer.
  private func search(_ count: Int, first: Int, without: Set<Int> = []) async throws -> (
    bad: Int, good: Int, asked: [Int]
  ) {
    var asked: [Int] = []
    let (bad, good) = try await CulpritSearch.run(of: count) { number in
      asked.append(number)
      return without.contains(number) ? .none : number >= first ? .bad : .good
    }
    return (bad, good, asked)
  }

  @Test("every patch is found, with few questions", arguments: 1...33)
  func all(_ count: Int) async throws {
    for first in 1...count {
      let (bad, good, asked) = try await search(count, first: first)
      #expect(bad == first && good == first - 1)
      #expect(Set(asked).count == asked.count)
      // A search by halves: at most the logarithm, rounded up.
      #expect(1 << max(0, asked.count - 1) < 2 * count)
    }
  }

  @Test(
    "patches without an answer leave a range",
    arguments: [
      // Count, first bad patch, patches without an answer, the answer.
      (4, 3, [2], 3, 1), (4, 3, [2, 3], 4, 1), (4, 1, [1], 2, 0), (2, 1, [1], 2, 0), (8, 5, [4], 5, 3),
      (1, 1, [], 1, 0),
      (6, 4, [1, 2, 3, 4, 5], 6, 0),
    ])
  func gaps(_ count: Int, _ first: Int, _ without: [Int], _ bad: Int, _ good: Int) async throws {
    let found = try await search(count, first: first, without: Set(without))
    #expect(found.bad == bad && found.good == good)
    #expect(Set(found.asked).count == found.asked.count)
  }
}
