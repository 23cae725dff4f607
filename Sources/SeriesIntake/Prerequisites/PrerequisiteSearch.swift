// SPDX-License-Identifier: Apache-2.0

import BenchModel
import SystemPackage

/// Finds what series stand on, among what was read.
struct PrerequisiteSearch {
  /// What was found for one series.
  struct Found: Hashable {
    /// In the order in which they apply.
    var patches: [Patch] = []
    var diffs: [FilePath] = []
    var missing: [Prerequisite] = []

    /// Adds a patch of another series, once.
    fileprivate mutating func add(_ index: Int, of other: ReadSeries) {
      let diff = other.diffs[index]
      if diffs.contains(diff) { return }
      var patch = other.series.patches[index]
      patch.from = other.series.name
      // Two series may both have a 0001-fix.patch.
      if other.series.path != nil { patch.file = "\(other.series.name)/\(patch.file)" }
      patches.append(patch)
      diffs.append(diff)
    }
  }

  /// Those that the user named. Each may have others with it.
  var series: [ReadSeries]
  /// The patch id of each diff.
  var ids: [FilePath: String]

  /// - Parameter one: of ``series``.
  func found(for one: ReadSeries) -> Found {
    let pool = series.filter { $0.series.name != one.series.name && $0.refusal == nil } + one.others
    var found = Found()
    collect(for: one, of: one, among: pool, seen: [one.diffs.first], into: &found)
    return found
  }

  /// - Parameters:
  ///   - root: what everything is collected for.
  ///   - seen: the first diff of each series on the way here: two may name each other.
  private func collect(
    for one: ReadSeries, of root: ReadSeries, among pool: [ReadSeries], seen: Set<FilePath?>, into found: inout Found
  ) {
    for wanted in one.series.origin?.prerequisites ?? [] where found.patches.count <= MailSeries.mostPatches {
      switch wanted.kind {
      case .patchID:
        if (root.diffs + one.diffs + found.diffs).contains(where: { hasID($0, wanted.id) }) { continue }
        let place = pool.lazy.compactMap { other in
          other.diffs.firstIndex { hasID($0, wanted.id) }.map { (other, $0) }
        }.first
        guard let (other, index) = place else {
          found.missing.append(wanted)
          continue
        }
        found.add(index, of: other)
      case .messageID, .changeID:
        if isNamed(one, by: wanted) || isNamed(root, by: wanted) { continue }
        guard let other = pool.first(where: { isNamed($0, by: wanted) }) else {
          found.missing.append(wanted)
          continue
        }
        if seen.contains(other.diffs.first) { continue }
        collect(for: other, of: root, among: pool, seen: seen.union([other.diffs.first]), into: &found)
        for index in other.diffs.indices { found.add(index, of: other) }
      case nil: found.missing.append(wanted)
      }
    }
  }

  private func hasID(_ diff: FilePath, _ id: String) -> Bool { ids[diff] == id.lowercased() }

  private func isNamed(_ other: ReadSeries, by wanted: Prerequisite) -> Bool {
    if wanted.kind == .messageID { return other.messageIDs.contains(wanted.id) }
    guard let origin = other.series.origin, let own = origin.changeID else { return false }
    // b4 adds the version: `20261102-topic-1a2b3c:v2`.
    return wanted.id == own || wanted.id == "\(own):v\(origin.version ?? 1)"
  }
}
