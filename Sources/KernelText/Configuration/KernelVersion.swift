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
    let values = Self.values(makefile: text)
    guard let major = values["VERSION"].flatMap({ Int($0) }), let minor = values["PATCHLEVEL"].flatMap({ Int($0) })
    else { return nil }
    self.init(major, minor)
  }

  /// Returns the whole version in a kernel's Makefile: `7.3.4`, `6.12.0-rc3`; `nil` if it has none.
  public static func release(makefile text: some StringProtocol) -> String? {
    let values = values(makefile: text)
    let numbers = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].compactMap { values[$0] }
    return numbers.count < 2 ? nil : numbers.joined(separator: ".") + (values["EXTRAVERSION"] ?? "")
  }

  private static func values(makefile text: some StringProtocol) -> [String: String] {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n", maxSplits: 20) {
      let words = line.split(separator: " ")
      guard words.count == 3, words[1] == "=" else { continue }
      values[String(words[0])] = String(words[2])
    }
    return values
  }

  public var description: String { "\(major).\(minor)" }

  public static func < (a: KernelVersion, b: KernelVersion) -> Bool {
    (a.major, a.minor) < (b.major, b.minor)
  }
}
