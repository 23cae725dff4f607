// SPDX-License-Identifier: Apache-2.0

/// Finds out which of the files that a series adds are files that it removes, under another name.
public enum MovedFiles {
  /// - Parameters:
  ///   - removed: the contents on the base, by path.
  ///   - added: the contents with the series, by path.
  /// - Returns: by new path, the old path.
  public static func pairs(removed: [String: [UInt8]], added: [String: [UInt8]]) -> [String: String] {
    var found: [String: String] = [:]
    var left = removed.mapValues { lines(of: $0) }
    let wanted = added.sorted { $0.key < $1.key }.map { (path: $0.key, lines: lines(of: $0.value)) }
    // Equal files first, so that a similar one does not take their place.
    for least in [1.0, 0.6] {
      for one in wanted where found[one.path] == nil {
        let best = left.filter { ending($0.key) == ending(one.path) }
          .map { (path: $0.key, share: share($0.value, one.lines)) }
          .max { ($0.share, $1.path) < ($1.share, $0.path) }
        guard let best, best.share >= least else { continue }
        found[one.path] = best.path
        left[best.path] = nil
      }
    }
    return found
  }

  private static func ending(_ path: String) -> Substring { path[(path.lastIndex(of: ".") ?? path.endIndex)...] }

  private static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>: Int] {
    text.split(separator: 0x0a).reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  /// The share of the lines that both have.
  private static func share(_ a: [ArraySlice<UInt8>: Int], _ b: [ArraySlice<UInt8>: Int]) -> Double {
    let common = a.reduce(0) { $0 + min($1.value, b[$1.key] ?? 0) }
    let most = max(a.values.reduce(0, +), b.values.reduce(0, +))
    return most == 0 ? 0 : Double(common) / Double(most)
  }
}
