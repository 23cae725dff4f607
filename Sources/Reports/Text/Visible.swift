// SPDX-License-Identifier: Apache-2.0

/// Makes what would act instead of being read visible: terminal escapes, line breaks, characters that turn the
/// direction of writing, characters without width. A tab becomes spaces.
///
/// Every rendering but JSON passes all untrusted text through here, each before its own escaping, and so does whatever
/// else goes to a terminal.
public func visible(_ text: String) -> String {
  var out = String.UnicodeScalarView()
  var previous: Unicode.Scalar = " "
  for scalar in text.unicodeScalars {
    defer { previous = scalar }
    switch scalar.value {
    case 0x09: out.append(contentsOf: "    ".unicodeScalars)
    // The control pictures, U+2400 and on, stand in the order of the controls.
    case 0..<0x20: out.append(Unicode.Scalar(0x2400 + scalar.value)!)
    case 0x7f: out.append("\u{2421}")
    default:
      if isHidden(scalar) || isMark(scalar) && isPunctuation(previous) {
        out.append(contentsOf: named(scalar).unicodeScalars)
      } else {
        out.append(scalar)
      }
    }
  }
  return String(out)
}

/// A block of lines, each made visible.
func visible(_ lines: [String]) -> [String] { lines.map { visible($0) } }

private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
  default: scalar.properties.isDefaultIgnorableCodePoint
  }
}

private func isMark(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .spacingMark, .enclosingMark: true
  default: false
  }
}

/// A mark behind ASCII punctuation is one `Character` with it. Escaping that goes by characters, as swift-mustache's
/// does, would then not see the `"` or `<`.
private func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
  scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
}

private func named(_ scalar: Unicode.Scalar) -> String {
  let digits = String(scalar.value, radix: 16, uppercase: true)
  return "<U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ">"
}
