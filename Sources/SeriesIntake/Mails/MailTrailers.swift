// SPDX-License-Identifier: Apache-2.0

import BenchModel

/// The trailers that git finds in mails.
enum MailTrailers {
  /// Reads what `git interpret-trailers --parse` prints.
  /// - Parameters:
  ///   - own: of the patch's own mail.
  ///   - all: of the same mail with the trailers that b4 found in replies; empty if b4 was not asked.
  static func read(own: String, all: String) -> [Trailer] {
    let mine = parse(own)
    let given = parse(all).filter { trailer in !mine.contains(trailer) }.map { trailer in
      Trailer(key: trailer.key, value: trailer.value, isFromReply: true)
    }
    return Array((mine + given).prefix(most))
  }

  private static func parse(_ text: String) -> [Trailer] {
    var found: [Trailer] = []
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = line[..<colon].lowercased()
      guard let key = Trailer.keys.first(where: { $0.lowercased() == name }) else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      if key == "Cc", !value.contains("stable@") { continue }
      let trailer = Trailer(key: key, value: SeriesClaims.bounded(value))
      if !value.isEmpty, !found.contains(trailer) { found.append(trailer) }
    }
    return found
  }

  private static let most = 100
}
