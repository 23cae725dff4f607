// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Toolbox

@Suite struct TimeStampCounterTests {
  /// A guest whose clock is wrong by a per mille is none the worse; one that is wrong by thirty times is.
  @Test func measurementsAgree() throws {
    let model = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    guard model.contains("constant_tsc") else { return }
    let rate = try #require(TimeStampCounter.kilohertz)
    for _ in 0..<5 {
      let other = try #require(TimeStampCounter.measure())
      #expect(abs(other - rate) < rate / 1000)
    }
  }
}
