// SPDX-License-Identifier: Apache-2.0

/// Writes XML 1.0.
///
/// It is written by hand: these few lines need no second library, and Foundation's `XMLDocument` would pass on the
/// characters that XML 1.0 forbids even as references, so that no parser reads the file.
enum XML {
  typealias Attribute = (name: String, value: String?)

  static let head = #"<?xml version="1.0" encoding="UTF-8"?>"#

  /// Escapes one line of untrusted text, for an attribute or the content of an element. What XML forbids (most control
  /// characters, U+FFFE) is made visible before. With `>` escaped as well, nothing ends a CDATA section, and none is
  /// needed.
  static func escape(_ text: String) -> String {
    // By scalars: a `<` with a combining mark behind it is another `Character`.
    var out = String.UnicodeScalarView()
    for scalar in visible(text).unicodeScalars {
      switch scalar {
      case "&": out.append(contentsOf: "&amp;".unicodeScalars)
      case "<": out.append(contentsOf: "&lt;".unicodeScalars)
      case ">": out.append(contentsOf: "&gt;".unicodeScalars)
      case "\"": out.append(contentsOf: "&quot;".unicodeScalars)
      default: out.append(scalar)
      }
    }
    return String(out)
  }

  /// Returns a start tag without its `>`: `<a b="c"`.
  /// - Parameter attributes: those without a value are left out.
  static func open(_ name: String, _ attributes: [Attribute]) -> String {
    "<\(name)" + attributes.map { key, value in value.map { " \(key)=\"\(escape($0))\"" } ?? "" }.joined()
  }

  /// Returns an element with lines of text, or none.
  static func element(_ name: String, _ attributes: [Attribute], text: [String] = []) -> String {
    let tag = open(name, attributes)
    return text.isEmpty ? "\(tag)/>" : "\(tag)>\(text.map(escape).joined(separator: "\n"))</\(name)>"
  }
}
