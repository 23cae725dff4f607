// SPDX-License-Identifier: Apache-2.0

/// The changes in a file's compiled code.
public struct AssemblyChange: Sendable, Hashable {
  /// Functions that are new or differ.
  public var functions: [String]
  /// Maps each variable that is new or differs to the functions that use it and to those that it names, as a table of
  /// operations does.
  public var data: [String: [String]]
  /// Whether anything else in the object differs.
  public var rest: Bool
  /// All functions in the object, changed or not.
  public var present: Set<String>

  public var isEmpty: Bool { functions.isEmpty && data.isEmpty && !rest }

  /// - Parameter before: `nil` for a new file.
  public init(before: AssemblyOutline?, after: AssemblyOutline) {
    let before = before ?? AssemblyOutline([])
    functions = after.functions.filter { before.functions[$0.key] != $0.value }.map(\.key).sorted()
    // A removed symbol has no users left; the functions that used it differ themselves.
    let changed = after.data.filter { before.data[$0.key] != $0.value }.map(\.key)
    data = Dictionary(
      uniqueKeysWithValues: changed.map { name in
        let users = after.functions.filter { Self.names(name, in: $0.value) }.map(\.key)
        let named = after.data[name]!.split { $0 == "\t" || $0 == "\n" }.map(String.init)
        return (name, Set(users + named.filter { after.functions[$0] != nil }).sorted())
      })
    rest = before.rest != after.rest
    present = Set(after.functions.keys)
  }

  /// Returns whether a symbol occurs in a text as a whole word.
  private static func names(_ symbol: String, in text: String) -> Bool {
    text.ranges(of: symbol).contains { range in
      let before = range.lowerBound > text.startIndex ? text[text.index(before: range.lowerBound)] : " "
      let after = range.upperBound < text.endIndex ? text[range.upperBound] : " "
      return !isPart(before) && !isPart(after)
    }
  }

  private static func isPart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_")
  }
}
