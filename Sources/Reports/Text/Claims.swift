// SPDX-License-Identifier: Apache-2.0

internal import BenchModel

/// What a series claims of itself, in short words.
enum Claims {
  /// `Reviewed-by: A, B (in replies); Fixes: 0123456789ab (“title”)`
  /// - Returns: `nil` without trailers.
  static func words(_ trailers: [Trailer]?) -> String? {
    var parts: [String] = []
    for key in Trailer.keys {
      for isFromReply in [false, true] {
        let values = (trailers ?? []).filter { $0.key == key && $0.isFromReply == isFromReply }.map(short)
        if values.isEmpty { continue }
        let more = values.count > most ? " and \(values.count - most) more" : ""
        let place = isFromReply ? " (in \(values.count == 1 ? "a reply" : "replies"))" : ""
        parts.append("\(key): \(values.prefix(most).joined(separator: ", "))\(more)\(place)")
      }
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  /// A person's name without the address, a commit with typographic quotes.
  private static func short(_ trailer: Trailer) -> String {
    switch trailer.key {
    case "Fixes":
      guard let match = trailer.value.wholeMatch(of: /(\S+) \("(.*)"\)/) else { return trailer.value }
      return "\(match.output.1) (“\(match.output.2)”)"
    case "Reviewed-by", "Tested-by", "Acked-by", "Signed-off-by":
      guard let name = trailer.value.firstMatch(of: /^"?([^"<]*?)"?\s*<[^>]*>/)?.output.1, !name.isEmpty else {
        return trailer.value
      }
      return String(name)
    default: return trailer.value
    }
  }

  /// How a series was read, and whose signatures it carries.
  static func notes(_ series: PatchSeries) -> [String] {
    guard let origin = series.origin else { return [] }
    let signers = origin.signatures ?? []
    return origin.notes + (signers.isEmpty ? [] : ["signed, but not checked: \(signers.joined(separator: ", "))"])
  }

  private static let most = 5
}
