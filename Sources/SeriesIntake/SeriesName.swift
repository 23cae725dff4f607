// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage

/// Names of series. They are used in file names, in URLs, and next to the base's name.
enum SeriesName {
  /// Returns a usable name that is close to `text`: `my fix` becomes `my-fix`. A usable name stays as it is.
  static func safe(_ text: String) -> String {
    if isUsable(text) { return text }
    var latin = text
    if !text.utf8.allSatisfy({ $0 < 0x80 }) {
      latin = text.applyingTransform(.toLatin, reverse: false) ?? text
      latin = latin.applyingTransform(.stripDiacritics, reverse: false) ?? latin
    }
    let words = latin.unicodeScalars.split { !isAllowed($0) || $0 == "-" }.map { String($0) }
    let name = words.joined(separator: "-").drop { $0 == "." || $0 == "-" }.prefix(longest)
    return isUsable(String(name)) ? String(name) : name.isEmpty ? "series" : "series-\(name)"
  }

  /// A directory and some endings are added to it, and a file name has at most 255 bytes.
  private static let longest = 100

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || "._+-".unicodeScalars.contains(scalar))
  }

  private static func isUsable(_ name: String) -> Bool {
    name.unicodeScalars.allSatisfy(isAllowed) && !name.isEmpty && name.utf8.count <= longest && !name.hasPrefix(".")
      && !name.hasPrefix("-") && name != "base"
  }

  /// Gives each series its own name.
  /// - Throws: ``IntakeError/twice(_:)`` if the same series is named twice.
  static func distinct(_ found: [any SeriesSource]) throws(IntakeError) -> [any SeriesSource] {
    var paths: Set<FilePath> = []
    for series in found where !paths.insert(series.path.lexicallyNormalized()).inserted {
      throw .twice(series.path.string)
    }
    return distinct(names: found)
  }

  /// Of two series with the same name, the second one gets its directory's name as well, or a number.
  static func distinct(names found: [any SeriesSource]) -> [any SeriesSource] {
    var result: [any SeriesSource] = []
    var names: Set<String> = []
    for var series in found {
      let own = series.name
      let parent = FilePath(series.path.string).removingLastComponent().lastComponent?.string
      var number = 1
      while names.contains(series.name) {
        if number == 1, let parent {
          series.name = safe("\(parent)-\(own)")
        } else {
          series.name = "\(own)-\(number)"
        }
        number += 1
      }
      names.insert(series.name)
      result.append(series)
    }
    return result
  }
}
