// SPDX-License-Identifier: Apache-2.0

/// A value that a check can show. Embedded Swift does not keep the names and parts of types, and so cannot print just any
/// value.
protocol Shown {
  var shown: String { get }
  /// The same in a list, where texts are in quotes.
  var listed: String { get }
}

extension Shown {
  var listed: String { shown }
}

extension Bool: Shown {
  var shown: String { description }
}

extension FixedWidthInteger {
  var shown: String { description }
}

extension Int: Shown {}
extension Int32: Shown {}
extension Int64: Shown {}
extension UInt8: Shown {}
extension UInt32: Shown {}
extension UInt64: Shown {}

extension String: Shown {
  var shown: String { self }
  var listed: String { debugDescription }
}

extension Range: Shown where Bound: Shown {
  var shown: String { lowerBound.shown + "..<" + upperBound.shown }
}

extension Array: Shown where Element: Shown {
  var shown: String { "[" + map { $0.listed }.joined(separator: ", ") + "]" }
}

extension DefaultStringInterpolation {
  mutating func appendInterpolation(_ list: [some Shown]) { appendLiteral(list.shown) }

  /// What would be chosen for a value that Embedded Swift cannot print. It would print an excuse instead, and only in a
  /// guest; so this makes it an error.
  @available(*, deprecated, message: "Embedded Swift cannot print this value: give it a description, or make it Shown")
  mutating func appendInterpolation<Value>(_ value: Value) {}
}
