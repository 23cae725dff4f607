/// What the host asks of the guest, carried on the kernel's command line, or as orders to a guest that holds.
///
/// The kernel hands parameters with a dot that it does not know to nobody, so they are only seen in `/proc/cmdline`.
public struct GuestOptions: Sendable, Hashable {
  /// Run only the tests whose name is in here; empty runs all.
  public var only: [String]
  /// Seconds that one test may take before its process is killed. The host stretches it where the guest is emulated.
  public var testSeconds: Int
  /// Wait for orders before anything is planned; the orders then replace the other options. See ``GuestHold``.
  public var hold: Bool

  public init(only: [String] = [], testSeconds: Int = 30, hold: Bool = false) {
    self.only = only
    self.testSeconds = testSeconds
    self.hold = hold
  }

  /// The options as kernel parameters, in a fixed order.
  public var parameters: [String] {
    var list = ["patchbench.test_seconds=\(testSeconds)"]
    if !only.isEmpty { list.append("patchbench.only=" + only.joined(separator: ",")) }
    if hold { list.append("patchbench.hold") }
    return list
  }

  /// The options as the one line, newline included, that a guest waits for while it holds.
  public var orders: String {
    var options = self
    options.hold = false
    return options.parameters.joined(separator: " ") + "\n"
  }

  /// Reads the options back from a whole kernel command line. Unknown parameters are passed over, and a number that
  /// is none, or no time, leaves the default.
  public init(commandLine: String) {
    self.init()
    for word in commandLine.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      guard let equals = word.firstIndex(of: "=") else {
        if word == "patchbench.hold" { hold = true }
        continue
      }
      let value = word[word.index(after: equals)...]
      switch word[..<equals] {
      case "patchbench.only": only = value.split(separator: ",").map(String.init)
      case "patchbench.test_seconds": if let seconds = Int(value), seconds > 0 { testSeconds = seconds }
      default: break
      }
    }
  }
}
