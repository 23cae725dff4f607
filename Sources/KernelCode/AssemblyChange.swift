// SPDX-License-Identifier: Apache-2.0

/// What of a file's compiled code changed.
public struct AssemblyChange: Sendable, Hashable {
  /// Functions that differ or are new.
  public var functions: [String]
  /// From a variable that differs or is new to the functions that name it, and those that it names, as a table of
  /// operations does.
  public var data: [String: [String]]
  /// Something else that the object has differs.
  public var rest: Bool
  /// Functions that are there, changed or not.
  public var present: Set<String>

  public var isEmpty: Bool { functions.isEmpty && data.isEmpty && !rest }

  /// - Parameter before: `nil` for a file that is new.
  public init(before: AssemblyOutline?, after: AssemblyOutline) {
    let before = before ?? AssemblyOutline([])
    functions = after.functions.filter { before.functions[$0.key] != $0.value }.map(\.key).sorted()
    // A symbol that went is used by nobody; whoever used it differs.
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

  /// Whether a symbol stands in a text as a whole word.
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
