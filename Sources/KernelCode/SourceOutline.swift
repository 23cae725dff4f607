// SPDX-License-Identifier: Apache-2.0

/// A C file of the kernel's, taken apart into its functions and the rest, to tell in which of them two versions differ.
///
/// It is told by the kernel's style, not by C's grammar: the body of a function begins with a brace in the first column
/// and ends with one (Documentation/process/coding-style.rst, section 3). What keeps to another style is a part of the
/// rest, where a difference shows as well, only without a name.
public struct SourceOutline: Sendable, Hashable {
  /// From a function's name to all of its text; of several that the preprocessor chooses from, all their texts.
  public private(set) var functions: [String: String] = [:]
  /// Macros, types, tables, declarations.
  public private(set) var rest = ""

  /// - Parameter source: the file as it is.
  public init(_ source: [UInt8]) {
    /// What may turn out to be the head of a function.
    var head: [String] = []
    /// The function that has begun.
    var name: String?
    var body = ""
    for line in SourceText(source).lines {
      if let current = name {
        body += line.text + "\n"
        if line.isOutermost, line.text.hasPrefix("}") {
          functions[current, default: ""] += body
          name = nil
          body = ""
        }
        continue
      }
      if line.isOutermost, line.text == "{" || Self.opensBody(line.text), let found = Self.name(of: head + [line.text])
      {
        name = found
        body = (head + [line.text]).joined(separator: "\n") + "\n"
        head = []
        // All of a short one may stand in one line.
        if line.text != "{", line.text.hasSuffix("}") {
          functions[found, default: ""] += body
          name = nil
          body = ""
        }
        continue
      }
      head.append(line.text)
      // A head is at most what stands between two ends.
      if line.text.hasSuffix(";") || line.text.hasSuffix("}") || line.text.hasPrefix("#") || line.text.hasSuffix(":") {
        rest += head.joined(separator: "\n") + "\n"
        head = []
      }
    }
    rest += head.joined(separator: "\n") + body
  }

  /// `static inline int f(void) { return 0; }`, or such a line that goes on.
  private static func opensBody(_ text: String) -> Bool {
    guard let brace = text.firstIndex(of: "{") else { return false }
    let before = text[..<brace]
    return before.contains("(") && !before.contains("=") && before.last(where: { $0 != " " }) == ")"
      && !before.hasPrefix("#")
  }

  /// What stands before the first parenthesis that is not an attribute's.
  private static func name(of head: [String]) -> String? {
    let text = head.filter { !$0.hasPrefix("#") }.joined(separator: " ")
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "(") {
      let before = rest[..<open]
      let word = before.reversed().drop { $0 == " " }.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      let name = String(word.reversed())
      let inside = rest[rest.index(after: open)...]
      if name.hasPrefix("SYSCALL_DEFINE") || name.hasPrefix("COMPAT_SYSCALL_DEFINE") {
        let call = inside.prefix { $0 != "," && $0 != ")" && $0 != " " }
        return (name.hasPrefix("COMPAT") ? "__do_compat_sys_" : "__do_sys_") + call
      }
      if before.contains("=") { return nil }
      if !name.isEmpty, !isAttribute(name) { return name.first!.isNumber ? nil : name }
      guard let close = end(of: inside) else { return nil }
      rest = inside[close...].dropFirst()
    }
    return nil
  }

  /// Where the parenthesis closes whose inside this is.
  private static func end(of inside: Substring) -> Substring.Index? {
    var depth = 1
    for index in inside.indices {
      if inside[index] == "(" { depth += 1 }
      if inside[index] == ")" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  private static func isAttribute(_ name: String) -> Bool {
    attributes.contains(name)
      // `__printf(1, 2)`, and no function that begins so is called with a type before it; but many functions begin so.
      || (name.hasPrefix("__attribute"))
  }

  private static let attributes: Set<String> = [
    "__printf", "__scanf", "__acquires", "__releases", "__must_hold", "__acquire", "__release", "__section",
    "__aligned", "__alloc_size", "__assume_aligned", "__cond_acquires", "__cond_lock", "__nonstring", "__malloc",
    "__realloc_size", "__alias", "__counted_by", "__context_unsafe", "__diag_ignore_all",
  ]
}

/// What of a file changed from one version to another.
public struct SourceChange: Sendable, Hashable {
  /// Functions that differ or are new, by name.
  public var functions: [String]
  /// Something outside of functions differs: a macro, a type, a table. That functions went is no such thing.
  public var rest: Bool

  public var isEmpty: Bool { functions.isEmpty && !rest }

  /// - Parameters:
  ///   - before: `nil` if there was no such file.
  ///   - after: `nil` if there is none any more.
  public init(before: [UInt8]?, after: [UInt8]?) {
    let old = SourceOutline(before ?? [])
    let new = SourceOutline(after ?? [])
    functions = new.functions.filter { old.functions[$0.key] != $0.value }.map(\.key).sorted()
    rest = old.rest != new.rest
    // A file that is gone took its functions with it, and who called them shows it.
    if after == nil { rest = before != nil }
  }
}
