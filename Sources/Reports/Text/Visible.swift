// SPDX-License-Identifier: Apache-2.0

/// Makes characters visible that would act instead of being read: terminal escapes, line breaks, direction marks,
/// zero-width characters. A tab becomes spaces.
///
/// Every rendering except JSON passes all untrusted text through this function before its own escaping. So does
/// everything else that is printed to a terminal.
public func visible(_ text: String) -> String {
  var out = String.UnicodeScalarView()
  var previous: Unicode.Scalar = " "
  for scalar in text.unicodeScalars {
    defer { previous = scalar }
    switch scalar.value {
    case 0x09: out.append(contentsOf: "    ".unicodeScalars)
    // The control pictures, from U+2400, are in the order of the control characters.
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

/// Makes each line of a block visible.
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

/// A mark after ASCII punctuation forms one `Character` with it. Escaping by characters, as in swift-mustache, would
/// then miss the `"` or `<`.
private func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
  scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
}

private func named(_ scalar: Unicode.Scalar) -> String {
  let digits = String(scalar.value, radix: 16, uppercase: true)
  return "<U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ">"
}
