// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import KernelBuild
import Testing

@testable import Bench

@Suite("Time limits of guests")
struct TrialClocksTests {
  private let plain = GuestClocks.standard(.tcg)

  @Test("if nothing is known or the machine is fast, the limits are the usual ones")
  func usual() {
    for boot in [nil, 1.0, 6.0] as [Double?] {
      let clocks = TrialClocks(KernelDefinition.Clocks(), .tcg, boot: boot)
      #expect(clocks.guest == plain)
      #expect(clocks.test == GuestOptions().testSeconds)
    }
  }

  @Test("if bases take three times as long to boot, the limits are three times as long")
  func slow() {
    let clocks = TrialClocks(KernelDefinition.Clocks(), .tcg, boot: 18)
    #expect(clocks.guest.boot == plain.boot * 3)
    #expect(clocks.guest.run == plain.run * 3)
    #expect(clocks.test == GuestOptions().testSeconds * 3)
  }

  @Test("the limits are bounded")
  func bounded() {
    #expect(TrialClocks(KernelDefinition.Clocks(), .tcg, boot: 6000).guest.boot == plain.boot * 8)
  }

  @Test("a profile's own limits come first, and the silence limit is never below a test's limit")
  func profile() {
    let own = KernelDefinition.Clocks(boot: 10, silence: 5, test: 100, run: 50)
    let clocks = TrialClocks(own, .tcg, boot: nil)
    #expect(clocks.guest.boot == .seconds(10))
    #expect(clocks.guest.run == .seconds(50))
    #expect(clocks.test == 100)
    #expect(clocks.guest.silence == .seconds(115))
  }
}
