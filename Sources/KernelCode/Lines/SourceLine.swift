// SPDX-License-Identifier: Apache-2.0

/// A line of a kernel source file, relative to the tree's root.
public struct SourceLine: Sendable, Hashable, Comparable {
  public var file: String
  /// From 1.
  public var number: Int

  public init(_ file: String, _ number: Int) {
    self.file = file
    self.number = number
  }

  /// - Parameter tree: the prefix of a compiler's or objdump's absolute paths.
  init(compiled path: Substring, _ number: Int, tree: String) {
    var rest = path.hasPrefix(tree + "/") ? path.dropFirst(tree.count + 1) : path
    while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
    self.init(String(rest), number)
  }

  public static func < (a: SourceLine, b: SourceLine) -> Bool { (a.file, a.number) < (b.file, b.number) }
}
