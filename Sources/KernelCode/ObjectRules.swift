// SPDX-License-Identifier: Apache-2.0

/// The lists of a kbuild Makefile: which object or directory is built for which option
/// (Documentation/kbuild/makefiles.rst). Conditions (`ifdef`, `ifeq`) are not evaluated.
public struct ObjectRules: Sendable, Hashable {
  private struct Entry: Hashable {
    /// `obj`, `lib`, or the name of a composite object without its `.o`.
    var list: String
    /// `nil` if it is built always.
    var option: String?
    var members: [String]
  }

  private var entries: [Entry] = []

  /// - Parameter makefile: the text of a `Makefile` or `Kbuild`.
  public init(_ makefile: some Sequence<UInt8>) {
    let text = String(decoding: Array(makefile), as: UTF8.self).replacing("\\\n", with: " ")
    for line in text.split(separator: "\n") {
      let plain = line.prefix { $0 != "#" }
      guard let equals = plain.firstIndex(of: "=") else { continue }
      let name = plain[..<equals].filter { !$0.isWhitespace && $0 != "+" && $0 != ":" }
      guard let (list, option) = Self.list(name) else { continue }
      let members = plain[plain.index(after: equals)...].split(whereSeparator: \.isWhitespace).map(String.init)
      entries.append(Entry(list: list, option: option, members: members))
    }
  }

  /// Splits `obj-$(CONFIG_X)`, `obj-y` or `udmabuf-objs`.
  private static func list(_ name: String) -> (String, String?)? {
    if let dollar = name.firstRange(of: "-$("), name.hasSuffix(")") {
      let option = String(name[dollar.upperBound...].dropLast())
      return option.hasPrefix("CONFIG_") ? (String(name[..<dollar.lowerBound]), option) : nil
    }
    for ending in ["-y", "-m", "-objs"] where name.hasSuffix(ending) {
      return (String(name.dropLast(ending.count)), nil)
    }
    return nil
  }

  /// Returns the options that an object or a directory is built for, those of the objects that it becomes part of last.
  /// - Parameter member: `maplog.o`, `heaps/`.
  /// - Returns: `nil` if no list has it.
  public func options(of member: String) -> [String]? { options(of: member, depth: 0) }

  private func options(of member: String, depth: Int) -> [String]? {
    if depth > 4 { return nil }
    for entry in entries where entry.members.contains(member) {
      let own = entry.option.map { [$0] } ?? []
      if ["obj", "lib", "subdir"].contains(entry.list) { return own }
      if let outer = options(of: entry.list + ".o", depth: depth + 1) { return own + outer }
    }
    return nil
  }
}

/// The options that a Kconfig file defines.
public enum KconfigOptions {
  /// Returns their names, as in `CONFIG_NAME`.
  public static func defined(in text: some Sequence<UInt8>) -> Set<String> {
    var found: Set<String> = []
    for line in Array(text).split(separator: 0x0a) {
      let words = String(decoding: line.prefix(200), as: UTF8.self).split(whereSeparator: \.isWhitespace)
      guard words.count >= 2, words[0] == "config" || words[0] == "menuconfig",
        words[1].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      else { continue }
      found.insert("CONFIG_\(words[1])")
    }
    return found
  }
}
