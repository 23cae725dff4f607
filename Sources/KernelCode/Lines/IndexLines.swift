// SPDX-License-Identifier: Apache-2.0

/// The `index` lines of a patch in git's format.
public enum IndexLines {
  /// Returns, by path, the abbreviated id of the blob that the patch was made from.
  /// - Returns: `nil` if the patch adds, removes, moves or copies a file, or has no such line for one.
  public static func blobs(in patch: some Sequence<UInt8>) -> [String: String]? {
    var found: [String: String] = [:]
    var path: String?
    var isComplete = true
    // The lines of hunks begin with a blank, a plus or a minus.
    for bytes in Array(patch).split(separator: 0x0a) {
      if bytes.starts(with: "diff --git a/".utf8) {
        if path != nil { isComplete = false }
        let line = String(decoding: bytes.dropFirst("diff --git a/".utf8.count), as: UTF8.self)
        // Both names are the same: `x.c b/x.c`.
        let name = line.prefix((line.count - 3) / 2)
        path = line == "\(name) b/\(name)" ? String(name) : nil
        if path == nil { isComplete = false }
      } else if bytes.starts(with: "index ".utf8), let name = path {
        let id = String(decoding: bytes.dropFirst(6).prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
        guard (7...40).contains(id.utf8.count), id.allSatisfy({ $0.isASCII && $0.isHexDigit }),
          id.contains(where: { $0 != "0" })
        else { return nil }
        found[name] = id
        path = nil
      }
    }
    return isComplete && path == nil && !found.isEmpty ? found : nil
  }
}
