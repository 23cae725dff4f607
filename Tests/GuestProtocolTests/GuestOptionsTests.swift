// SPDX-License-Identifier: Apache-2.0

import GuestProtocol
import Testing

@Suite struct GuestOptionsTests {
  @Test(arguments: [
    GuestOptions(), GuestOptions(only: ["forward/a-to-b/c"], testSeconds: 1),
    GuestOptions(only: ["a/b", "c/d=e"], testSeconds: 300), GuestOptions(hold: true),
    GuestOptions(only: ["a/b"], testSeconds: 2, hold: true),
    GuestOptions(after: "a/b"), GuestOptions(only: ["a/b"], after: "a/b", testSeconds: 3), GuestOptions(seed: 0),
    GuestOptions(only: ["a/b"], testSeconds: 2, seed: .max, hold: true),
    slow(["a/b": 20]), slow(["a/b:c": 1, "d/e": 300]),
  ])
  func roundTrip(_ options: GuestOptions) {
    let line = "console=ttyS0 " + options.parameters.joined(separator: " ") + " -- x\n"
    #expect(GuestOptions(commandLine: line) == options)
  }

  private static func slow(_ limits: [String: Int]) -> GuestOptions {
    var options = GuestOptions(testSeconds: 10)
    options.slow = limits
    return options
  }

  @Test func aSlowTestHasItsOwnLimit() {
    let options = Self.slow(["a/b": 20])
    #expect(options.seconds(for: "a/b") == 20)
    #expect(options.seconds(for: "c/d") == 10)
    // Orders that do not mention a limit leave the one on the command line.
    let both = options.parameters.joined(separator: " ") + " " + GuestOptions(only: ["c/d"]).orders()
    #expect(GuestOptions(commandLine: both).seconds(for: "c/d") == 10)
  }

  @Test func parametersHaveAFixedOrder() {
    #expect(
      GuestOptions(only: ["b", "a"], testSeconds: 7, seed: 9).parameters == [
        "patchbench.test_seconds=7", "patchbench.seed=9", "patchbench.only=b,a",
      ])
  }

  @Test func ordersAreOneLineThatAsksForNoSecondHold() {
    let options = GuestOptions(only: ["a/b", "c/d"], testSeconds: 4, seed: 5, hold: true)
    #expect(options.orders() == "patchbench.test_seconds=4 patchbench.seed=5 patchbench.only=a/b,c/d\n")
    #expect(GuestOptions(commandLine: options.orders()) == GuestOptions(only: ["a/b", "c/d"], testSeconds: 4, seed: 5))
  }

  @Test(arguments: [
    "", "patchbench.test_seconds", "patchbench.test_seconds=", "patchbench.test_seconds=x",
    "patchbench.test_seconds=0", "patchbench.test_seconds=-5", "patchbench.test_seconds=1.5", "patchbench.only=",
    "patchbench.unknown=1", "xpatchbench.test_seconds=5",
    "patchbench.seed", "patchbench.seed=", "patchbench.seed=x", "patchbench.seed=-1", "patchbench.seed=4294967296",
    "patchbench.hold=", "patchbench.hold=1", "patchbench.holding",
    "patchbench.slow", "patchbench.slow=", "patchbench.slow=a/b", "patchbench.slow=a/b:0,c/d:x,e/f:-1",
  ])
  func whatCannotBeReadLeavesTheDefault(_ line: String) {
    #expect(GuestOptions(commandLine: line) == GuestOptions())
  }
}
