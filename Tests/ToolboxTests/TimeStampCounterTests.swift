// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Toolbox

@Suite struct TimeStampCounterTests {
  /// An error of one per mille does not harm a guest's clock; a factor of thirty does.
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
