// SPDX-License-Identifier: Apache-2.0

/// A C file of the kernel, split into its functions and the rest, to find the functions in which two versions differ.
///
/// It relies on the kernel's style, not on C's grammar: a function's body begins and ends with a brace in the first
/// column (Documentation/process/coding-style.rst, section 3). Code in another style becomes part of the rest. A
/// difference there is still found, but has no name.
public struct SourceOutline: Sendable, Hashable {
  /// Maps each function's name to all of its text. If the preprocessor chooses between several, it is all their texts.
  public private(set) var functions: [String: String] = [:]
  /// Macros, types, tables, declarations.
  public private(set) var rest = ""

  /// - Parameter source: the unmodified file.
  public init(_ source: [UInt8]) {
    /// Lines that may turn out to be the head of a function.
    var head: [String] = []
    /// The function whose body has begun.
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
        // A short function may be on one line.
        if line.text != "{", line.text.hasSuffix("}") {
          functions[found, default: ""] += body
          name = nil
          body = ""
        }
        continue
      }
      head.append(line.text)
      // A head cannot extend beyond the end of a statement, block, directive or label.
      if line.text.hasSuffix(";") || line.text.hasSuffix("}") || line.text.hasPrefix("#") || line.text.hasSuffix(":") {
        rest += head.joined(separator: "\n") + "\n"
        head = []
      }
    }
    rest += head.joined(separator: "\n") + body
  }

  /// Returns whether a line is `static inline int f(void) { return 0; }`, or begins such a function.
  private static func opensBody(_ text: String) -> Bool {
    guard let brace = text.firstIndex(of: "{") else { return false }
    let before = text[..<brace]
    return before.contains("(") && !before.contains("=") && before.last(where: { $0 != " " }) == ")"
      && !before.hasPrefix("#")
  }

  /// Returns the word before the first parenthesis that does not belong to an attribute.
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

  /// Returns the index of the parenthesis that closes this text, which begins just after the opening one.
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
      // `__printf(1, 2)` is compared as a whole, as many functions begin with `__`. None begins with `__attribute`.
      || (name.hasPrefix("__attribute"))
  }

  private static let attributes: Set<String> = [
    "__printf", "__scanf", "__acquires", "__releases", "__must_hold", "__acquire", "__release", "__section",
    "__aligned", "__alloc_size", "__assume_aligned", "__cond_acquires", "__cond_lock", "__nonstring", "__malloc",
    "__realloc_size", "__alias", "__counted_by", "__context_unsafe", "__diag_ignore_all",
  ]
}

/// The difference between two versions of a source file.
public struct SourceChange: Sendable, Hashable {
  /// Functions that are new or differ, by name.
  public var functions: [String]
  /// Whether anything outside functions differs: a macro, a type, a table. Removed functions do not count.
  public var rest: Bool

  public var isEmpty: Bool { functions.isEmpty && !rest }

  /// - Parameters:
  ///   - before: `nil` if the file did not exist.
  ///   - after: `nil` if the file was removed.
  public init(before: [UInt8]?, after: [UInt8]?) {
    let old = SourceOutline(before ?? [])
    let new = SourceOutline(after ?? [])
    functions = new.functions.filter { old.functions[$0.key] != $0.value }.map(\.key).sorted()
    rest = old.rest != new.rest
    // A removed file takes its functions with it; their callers differ.
    if after == nil { rest = before != nil }
  }
}
