// SPDX-License-Identifier: Apache-2.0

/// What a source asserts, with what it does where an assertion fails.
///
/// WARN and BUG are for what should never happen (Documentation/process/coding-style.rst, section 22): a slip in one, or
/// behind one, is seen only in a kernel that is wrong already. So no mutant is made there, neither one that could not be
/// noticed nor one that a warning at each call would give away.
public struct Assertions: Sendable {
  private let source: CSource
  /// In bytes.
  private var ranges: [Range<Int>] = []

  public init(_ source: CSource) {
    self.source = source
    for index in source.tokens.indices where Self.isAssertion(source.text(at: index)) {
      guard source.text(at: index + 1) == "(", let close = source.closing(index + 1) else { continue }
      var end = close
      // All of a condition: what it leads to belongs to it.
      if index >= 2, source.text(at: index - 1) == "(", source.text(at: index - 2) == "if",
        source.text(at: close + 1) == ")"
      {
        end = Self.end(ofStatementAt: close + 2, in: source) ?? close
      }
      // Where it is a statement, with its end.
      if source.text(at: end + 1) == ";" { end += 1 }
      ranges.append(source.tokens[index].start..<source.tokens[end].end)
    }
  }

  func contain(_ range: Range<Int>) -> Bool {
    ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  /// Whether all words of a line belong to an assertion, or to what it leads to.
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

  /// The last token of a block, or of a statement that ends with a semicolon.
  private static func end(ofStatementAt first: Int, in source: CSource) -> Int? {
    if source.text(at: first) == "{" { return source.closing(first) }
    return (first..<source.tokens.count).first { source.text(at: $0) == ";" }
  }
}
