// SPDX-License-Identifier: Apache-2.0

/// The first two numbers of a kernel's version: 6.12. The configuration does not change after that.
public struct KernelVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var major: Int
  public var minor: Int

  public init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `6.12`, or the beginning of `6.12.117-1~deb12u1` and `v6.12-rc3`; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    let numbers = text.drop { $0 == "v" }.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard numbers.count >= 2, let major = Int(numbers[0]), let minor = Int(numbers[1].prefix { $0.isNumber }) else {
      return nil
    }
    self.init(major, minor)
  }

  /// Reads the top of a kernel's Makefile; `nil` if it has no version.
  public init?(makefile text: some StringProtocol) {
    var values: [Substring: Int] = [:]
    for line in text.split(separator: "\n", maxSplits: 20) {
      let words = line.split(separator: " ")
      guard words.count == 3, words[1] == "=", let number = Int(words[2]) else { continue }
      values[Substring(words[0])] = number
    }
    guard let major = values["VERSION"], let minor = values["PATCHLEVEL"] else { return nil }
    self.init(major, minor)
  }

  public var description: String { "\(major).\(minor)" }

  public static func < (a: KernelVersion, b: KernelVersion) -> Bool {
    (a.major, a.minor) < (b.major, b.minor)
  }
}
