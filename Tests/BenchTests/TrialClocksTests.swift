// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import KernelBuild
import Testing

@testable import Bench

@Suite("How long a guest may take")
struct TrialClocksTests {
  private let plain = GuestClocks.standard(.tcg)

  @Test("where nothing is known or the machine is fast, what all guests may")
  func usual() {
    for boot in [nil, 1.0, 6.0] as [Double?] {
      let clocks = TrialClocks(KernelDefinition.Clocks(), .tcg, boot: boot)
      #expect(clocks.guest == plain)
      #expect(clocks.test == GuestOptions().testSeconds)
    }
  }

  @Test("on a machine whose bases boot three times as long, three times that")
  func slow() {
    let clocks = TrialClocks(KernelDefinition.Clocks(), .tcg, boot: 18)
    #expect(clocks.guest.boot == plain.boot * 3)
    #expect(clocks.guest.run == plain.run * 3)
    #expect(clocks.test == GuestOptions().testSeconds * 3)
  }

  @Test("but not for ever")
  func bounded() {
    #expect(TrialClocks(KernelDefinition.Clocks(), .tcg, boot: 6000).guest.boot == plain.boot * 8)
  }

  @Test("a profile's own clocks come first, and silence never ends before a test's time")
  func profile() {
    let own = KernelDefinition.Clocks(boot: 10, silence: 5, test: 100, run: 50)
    let clocks = TrialClocks(own, .tcg, boot: nil)
    #expect(clocks.guest.boot == .seconds(10))
    #expect(clocks.guest.run == .seconds(50))
    #expect(clocks.test == 100)
    #expect(clocks.guest.silence == .seconds(115))
  }
}
