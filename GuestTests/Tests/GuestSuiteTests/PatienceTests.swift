// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import GuestSuite

@Suite struct PatienceTests {
  @Test("a series that fails many tests is waited for less long, and a base never is")
  func adapts() {
    defer { Patience.adapt(failed: 0) }
    // 6.1's base fails 19, 7.3's fails 40.
    for failed in [0, 8, 47] {
      Patience.adapt(failed: failed)
      #expect(Patience.rounds == 150)
      #expect(Patience.restingRounds == 10)
    }
    Patience.adapt(failed: 48)
    #expect(Patience.rounds == 4)
    #expect(Patience.restingRounds == 2)
  }
}
