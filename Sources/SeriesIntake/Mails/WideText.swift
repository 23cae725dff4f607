// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Text in UTF-16, as some programs on Windows write the output of git.
enum WideText {
  /// Whether the bytes begin with a byte order mark of UTF-16.
  static func isMarked(_ bytes: Data) -> Bool { bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) }

  /// Returns the text if it has a patch and nothing of it is lost.
  static func patch(_ bytes: Data) -> String? {
    guard bytes.count % 2 == 0, let first = bytes.first else { return nil }
    let body = Array(bytes.dropFirst(2))
    let high = first == 0xfe ? 0 : 1
    let units = stride(from: 0, to: body.count, by: 2).map { index in
      UInt16(body[index + high]) << 8 | UInt16(body[index + 1 - high])
    }
    // An unpaired surrogate would become another character.
    let text = String(decoding: units, as: UTF16.self)
    guard text.utf16.elementsEqual(units), text.contains("\ndiff ") || text.contains("--- ") else { return nil }
    return text
  }
}
