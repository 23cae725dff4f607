// SPDX-License-Identifier: Apache-2.0

/// What the host asks of the guest, carried on the kernel's command line, or as orders to a guest that holds.
///
/// The kernel hands parameters with a dot that it does not know to nobody, so they are only seen in `/proc/cmdline`.
public struct GuestOptions: Sendable, Hashable {
  /// Run only the tests whose name is in here; empty runs all.
  public var only: [String]
  /// Run only what the plan has behind the test of this name: it ended an earlier guest.
  public var after: String?
  /// Seconds that one test may take before its process is killed. The longest takes seven in an emulated guest on two idle
  /// processors, and four times that beside two other guests.
  public var testSeconds: Int
  /// Where the tests that let threads race get their random numbers from. Without one each takes a seed of its own; the
  /// result says which, so that it can be given again.
  public var seed: UInt32?
  /// Wait for orders before anything is planned; the orders then replace the other options. See ``GuestHold``.
  public var hold: Bool

  /// Where a guest finds orders in its initramfs, which stand behind what the kernel's command line says: there the
  /// kernel takes no more than 2048 bytes, which is some forty names of tests.
  public static let path = "/patchbench.orders"

  public init(
    only: [String] = [], after: String? = nil, testSeconds: Int = 45, seed: UInt32? = nil, hold: Bool = false
  ) {
    self.only = only
    self.after = after
    self.testSeconds = testSeconds
    self.seed = seed
    self.hold = hold
  }

  /// The options as kernel parameters, in a fixed order.
  public var parameters: [String] {
    var list = ["patchbench.test_seconds=\(testSeconds)"]
    if let seed { list.append("patchbench.seed=\(seed)") }
    if let after { list.append("patchbench.after=\(after)") }
    if !only.isEmpty { list.append("patchbench.only=" + only.joined(separator: ",")) }
    if hold { list.append("patchbench.hold") }
    return list
  }

  /// The options as one line, newline included: what a guest waits for while it holds, or finds in its initramfs.
  /// - Parameter secret: only a guest that holds gets it with its orders.
  public func orders(_ secret: GuestSecret? = nil) -> String {
    var options = self
    options.hold = false
    let last = secret.map { GuestSecret.parameter + $0.text } ?? ""
    return options.parameters.joined(separator: " ") + last + "\n"
  }

  /// Reads the options back from a whole kernel command line. Unknown parameters are passed over, and a number that
  /// is none, or out of its range, leaves the default.
  public init(commandLine: String) {
    self.init()
    for word in commandLine.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      guard let equals = word.firstIndex(of: "=") else {
        if word == "patchbench.hold" { hold = true }
        continue
      }
      let value = word[word.index(after: equals)...]
      switch word[..<equals] {
      case "patchbench.after": after = String(value)
      case "patchbench.only": only = value.split(separator: ",").map(String.init)
      case "patchbench.test_seconds": if let seconds = Int(value), seconds > 0 { testSeconds = seconds }
      case "patchbench.seed": if let number = UInt32(value) { seed = number }
      default: break
      }
    }
  }
}
