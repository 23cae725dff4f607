// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A Message-ID or a link to an archive. patchbench has no network, so it only says how to get the mails.
struct MessageLink: SeriesForm {
  let words: String? = nil

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.kind == .nothing, let id = Self.messageID(argument.text) else { return nil }
    throw .offline(argument.text, messageID: id)
  }

  /// Returns the Message-ID that a text is or has; `nil` if it is a path.
  static func messageID(_ text: String) -> String? {
    if text.hasPrefix("https://") || text.hasPrefix("http://") {
      // https://lore.kernel.org/LIST/MESSAGE-ID/t.mbox.gz
      let parts = text.split(separator: "/").dropFirst(2).map { $0.removingPercentEncoding ?? String($0) }
      return parts.last { $0.contains("@") } ?? text
    }
    var id = text[...]
    if id.hasPrefix("id:") || id.hasPrefix("mid:") { id = id[id.index(after: id.firstIndex(of: ":")!)...] }
    if id.hasPrefix("<"), id.hasSuffix(">") { id = id.dropFirst().dropLast() }
    let parts = id.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !id.contains(where: { $0 == "/" || $0.isWhitespace })
    else { return nil }
    return String(id)
  }
}
