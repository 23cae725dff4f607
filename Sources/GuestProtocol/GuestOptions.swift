// SPDX-License-Identifier: Apache-2.0

/// The host's options for the guest, passed on the kernel command line, or as orders to a guest that holds.
///
/// The kernel ignores unknown parameters that contain a dot, so they appear only in `/proc/cmdline`.
public struct GuestOptions: Sendable, Hashable {
  /// Run only the tests named here; empty runs all.
  public var only: [String]
  /// Run only the tests that the plan has after this one, because it ended an earlier guest.
  public var after: String?
  /// Seconds that one test may take before its process is killed. The longest test takes seven in an emulated guest on
  /// two idle processors, and four times that alongside two other guests.
  public var testSeconds: Int
  /// The limits of tests that may take longer, in seconds, by name.
  public var slow: [String: Int] = [:]
  /// The seed of the tests that race threads. Without it each test picks its own. The result names the seed, so that it
  /// can be passed again.
  public var seed: UInt32?
  /// Wait for orders before planning anything; the orders then replace the other options. See ``GuestHold``.
  public var hold: Bool

  /// Where a guest finds orders in its initramfs. They are applied after the kernel command line, which is limited to
  /// 2048 bytes, about forty test names.
  public static let path = "/patchbench.orders"

  public init(
    only: [String] = [], after: String? = nil, testSeconds: Int = GuestOptions.usualSeconds, seed: UInt32? = nil,
    hold: Bool = false
  ) {
    self.only = only
    self.after = after
    self.testSeconds = testSeconds
    self.seed = seed
    self.hold = hold
  }

  /// The usual limit for one test.
  public static let usualSeconds = 45

  /// How long a test may take, in seconds.
  public func seconds(for test: String) -> Int { slow[test] ?? testSeconds }

  /// The options as kernel parameters, in a fixed order. The usual limit is left out: orders that do not mention it
  /// leave the one on the command line.
  public var parameters: [String] {
    var list: [String] = []
    if testSeconds != Self.usualSeconds { list.append("patchbench.test_seconds=\(testSeconds)") }
    if !slow.isEmpty {
      let words = slow.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
      list.append("patchbench.slow=" + words.joined(separator: ","))
    }
    if let seed { list.append("patchbench.seed=\(seed)") }
    if let after { list.append("patchbench.after=\(after)") }
    if !only.isEmpty { list.append("patchbench.only=" + only.joined(separator: ",")) }
    if hold { list.append("patchbench.hold") }
    return list
  }

  /// Returns the options as one line, including the newline. A guest waits for it while it holds, or finds it in
  /// its initramfs.
  /// - Parameter secret: only for a guest that holds, which receives it with its orders.
  public func orders(_ secret: GuestSecret? = nil) -> String {
    var options = self
    options.hold = false
    let last = secret.map { GuestSecret.parameter + $0.text } ?? ""
    return options.parameters.joined(separator: " ") + last + "\n"
  }

  /// Parses the options from a whole kernel command line. Unknown parameters are ignored, and an invalid or
  /// out-of-range number leaves the default.
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
      case "patchbench.slow":
        for word in value.split(separator: ",") {
          guard let colon = word.lastIndex(of: ":"), let seconds = Int(word[word.index(after: colon)...]), seconds > 0
          else { continue }
          slow[String(word[..<colon])] = seconds
        }
      case "patchbench.seed": if let number = UInt32(value) { seed = number }
      default: break
      }
    }
  }
}
