// SPDX-License-Identifier: Apache-2.0

import BenchModel
import SystemPackage

/// Two series of a run that are worth comparing, by their index.
struct RelatedSeries: Sendable, Hashable {
  var older: Int
  var newer: Int

  /// Returns the pairs: consecutive versions of one series, or else two rival series if there are only two.
  ///
  /// Versions of one series are from one mailbox, or have the same change-id, or the same name with `-vN` in one
  /// directory.
  static func pairs(_ series: [PatchSeries]) -> [RelatedSeries] {
    var groups: [(keys: Set<String>, members: [Int])] = []
    for (index, one) in series.enumerated() {
      var group = (keys: keys(of: one), members: [index])
      let related = groups.indices.filter { !groups[$0].keys.isDisjoint(with: group.keys) }
      for other in related.reversed() {
        group.keys.formUnion(groups[other].keys)
        group.members = groups[other].members + group.members
        groups.remove(at: other)
      }
      groups.append(group)
    }
    let pairs = groups.flatMap { group in
      let ordered = group.members.sorted { (version(of: series[$0]), $0) < (version(of: series[$1]), $1) }
      return zip(ordered, ordered.dropFirst()).map { RelatedSeries(older: $0, newer: $1) }
    }
    return pairs.isEmpty && series.count == 2 ? [RelatedSeries(older: 0, newer: 1)] : pairs
  }

  private static func keys(of series: PatchSeries) -> Set<String> {
    var keys: Set<String> = []
    if let id = series.origin?.changeID { keys.insert("change-id \(id)") }
    guard let path = series.path else { return keys }
    if let mailbox = path.wholeMatch(of: /(.+)#v[0-9]{1,4}/) { keys.insert("mailbox \(mailbox.output.1)") }
    if let name = numbered(series.name) {
      keys.insert("name \(FilePath(path).removingLastComponent().string)/\(name.stem)")
    }
    return keys
  }

  private static func version(of series: PatchSeries) -> Int {
    // A directory `v3` is the third version, whatever its subjects say.
    numbered(series.name)?.version ?? series.origin?.version ?? 1
  }

  /// `my-fix-v3`, `v3`
  private static func numbered(_ name: String) -> (stem: String, version: Int)? {
    guard let match = name.wholeMatch(of: /(|.*?[-_.])v([0-9]{1,4})/), let version = Int(match.output.2) else {
      return nil
    }
    return (String(match.output.1), version)
  }
}
