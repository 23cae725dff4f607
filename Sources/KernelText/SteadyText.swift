// SPDX-License-Identifier: Apache-2.0

/// Makes kernel text the same in every run: addresses, numbers and process ids become words.
public enum SteadyText {
  /// `init/38 at 0xffff888003c8cf80` becomes `init/NUM at ADDR`.
  public static func steady(_ text: some StringProtocol) -> String {
    var out = ""
    var word: [UInt8] = []
    for scalar in text.unicodeScalars {
      if let byte = UInt8(exactly: scalar.value), byte.isWord {
        word.append(byte)
      } else {
        flush(&word, into: &out)
        out.unicodeScalars.append(scalar)
      }
    }
    flush(&word, into: &out)
    return out
  }

  private static func flush(_ word: inout [UInt8], into out: inout String) {
    guard !word.isEmpty else { return }
    let digits = word.prefix { $0.isDigit }.count
    let unit = word[digits...]
    if word.starts(with: "0x".utf8), word.count > 2, word[2...].allSatisfy(\.isHexDigit) {
      out += "ADDR"
    } else if digits > 0, unit.isEmpty || units.contains(where: { unit.elementsEqual($0.utf8) }) {
      out += "NUM" + String(decoding: unit, as: UTF8.self)
    } else if word.count >= 8, word.allSatisfy(\.isHexDigit), word.contains(where: \.isDigit) {
      out += "ADDR"
    } else {
      out += String(decoding: word, as: UTF8.self)
    }
    word.removeAll(keepingCapacity: true)
  }

  private static let units = ["s", "ms", "us", "ns", "kB"]
}

extension UInt8 {
  /// Whether the byte can be part of a C identifier.
  fileprivate var isWord: Bool {
    isDigit || self == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
  }
}
