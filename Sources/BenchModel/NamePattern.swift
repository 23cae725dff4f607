// SPDX-License-Identifier: Apache-2.0

/// A name in which `*` matches any text: `forward/*/vm-file`.
public struct NamePattern: Sendable, Hashable, Codable {
  public var text: String

  public init(_ text: String) { self.text = text }

  /// Whether the pattern matches the whole name.
  public func matches(_ name: String) -> Bool {
    var parts = text.split(separator: "*", omittingEmptySubsequences: false)[...]
    guard let first = parts.popFirst(), let last = parts.popLast() else { return name == text }
    guard name.hasPrefix(first) else { return false }
    var rest = name.dropFirst(first.count)
    for part in parts where !part.isEmpty {
      guard let range = rest.firstRange(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }
}
