// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Toolbox

/// A file with one or more mails, or a bare diff.
struct MailFile: Sendable, Hashable {
  /// An absolute path: git works in another directory.
  var path: FilePath
  /// Its name in messages and reports.
  var label: String
  /// Its name in errors, with the whole path.
  var shown: String
  /// How many leading components the paths in its diff have, as for `patch -p`.
  var strip = 1

  init(_ path: FilePath, label: String? = nil, shown: String? = nil, strip: Int = 1) {
    self.path = path.absolute
    self.label = label ?? path.lastComponent?.string ?? path.string
    self.shown = shown ?? path.string
    self.strip = strip
  }
}

extension String {
  /// Whether the name sorts before another one, with numbers compared as numbers: `2-b.patch`, then `10-a.patch`.
  func precedes(_ other: String) -> Bool {
    var (left, right) = (unicodeScalars[...], other.unicodeScalars[...])
    while let first = left.first, let second = right.first {
      if first.isDigit, second.isDigit {
        let (one, two) = (left.takeNumber(), right.takeNumber())
        if one.count != two.count { return one.count < two.count }
        if let difference = zip(one, two).first(where: { $0 != $1 }) { return difference.0 < difference.1 }
      } else {
        if first != second { return first < second }
        left.removeFirst()
        right.removeFirst()
      }
    }
    if left.isEmpty != right.isEmpty { return left.isEmpty }
    // They differ in leading zeros at most.
    return self < other
  }
}

extension Unicode.Scalar {
  fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}

extension Substring.UnicodeScalarView {
  /// Removes the number at the start, and returns its digits without leading zeros.
  fileprivate mutating func takeNumber() -> Substring.UnicodeScalarView {
    let digits = prefix(while: \.isDigit)
    removeFirst(digits.count)
    return digits.drop { $0 == "0" }
  }
}
