// SPDX-License-Identifier: Apache-2.0

/// The assertions of a source, including the code that runs when one fails.
///
/// WARN and BUG are for conditions that should never happen (Documentation/process/coding-style.rst, section 22). A
/// mistake in an assertion, or in the code behind it, only shows in a kernel that is already broken. Therefore no
/// mutant is made there: some could not be detected, and others would be exposed by a warning at each call.
public struct Assertions: Sendable {
  private let source: CSource
  /// Byte ranges.
  private var ranges: [Range<Int>] = []

  public init(_ source: CSource) {
    self.source = source
    for index in source.tokens.indices where Self.isAssertion(source.text(at: index)) {
      guard source.text(at: index + 1) == "(", let close = source.closing(index + 1) else { continue }
      var end = close
      // For the condition of an `if`, the body belongs to the assertion.
      if index >= 2, source.text(at: index - 1) == "(", source.text(at: index - 2) == "if",
        source.text(at: close + 1) == ")"
      {
        end = Self.end(ofStatementAt: close + 2, in: source) ?? close
      }
      // For a statement, include its semicolon.
      if source.text(at: end + 1) == ";" { end += 1 }
      ranges.append(source.tokens[index].start..<source.tokens[end].end)
    }
  }

  func contain(_ range: Range<Int>) -> Bool {
    ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  /// Returns whether all words of a line belong to an assertion or the code behind it.
  public func contain(line: Int) -> Bool {
    let range = source.range(ofLines: line...line)
    let words = source.tokens.filter {
      range.contains($0.start) && !["if", "(", ")", "{", "}"].contains(source.text($0))
    }
    return !words.isEmpty && words.allSatisfy { contain($0.start..<$0.end) }
  }

  private static func isAssertion(_ name: String) -> Bool {
    ["WARN", "BUG", "VM_WARN", "VM_BUG", "drm_WARN", "DRM_WARN_ON", "dev_WARN", "lockdep_assert", "mmap_assert"]
      .contains { name == $0 || name.hasPrefix($0 + "_") }
  }

  /// Returns the last token of a block, or of a statement that ends with a semicolon.
  private static func end(ofStatementAt first: Int, in source: CSource) -> Int? {
    if source.text(at: first) == "{" { return source.closing(first) }
    return (first..<source.tokens.count).first { source.text(at: $0) == ";" }
  }
}
