// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import KernelCode
import SeriesIntake
import SystemPackage
import Toolbox

/// A series, with what is known about its work in advance.
struct WorkItem: Sendable, Hashable {
  var one: ReadSeries
  /// The key of its result in the ``TrialCache``.
  var key: String
  /// The digests of its diffs, in order, without the words around them: the same patches are the same work, whether they
  /// come as files, as mails or from a branch.
  var patches: [String]
  /// How many objects have to be compiled, by the base's records: for the first patch alone, for the first two, and so
  /// on.
  var objects: [Int] = []
  /// How many of its leading patches are built once for several series; usually 0.
  var shared = 0

  /// The shared patches. They are equal for all series that share a layer.
  var layer: [String] { Array(patches.prefix(shared)) }
}

extension WorkItem {
  /// - Throws: Foundation's error if a diff cannot be read; ``ToolError`` if `sha256sum` fails.
  init(_ one: ReadSeries, kept: TrialCache) async throws {
    var digests: [String] = []
    for diff in one.diffs {
      let text = try Data(contentsOf: URL(filePath: diff.string))
      digests.append(try await Digest.of(bytes: Array(UnifiedDiff.alone([UInt8](text)))))
    }
    self.init(one: one, key: try await kept.key(digests, of: one.series.name), patches: digests)
  }
}

/// Decides in which order series are tried, and which of them share their leading patches.
enum WorkPlan {
  /// Below this many objects, compiling them again is faster than building a layer.
  static let worthSharing = 64

  /// Finds the leading patches that series share, and orders the series.
  ///
  /// Series with the most to compile come first, because they would otherwise delay the end of the run. Series that
  /// share a layer stay together, so that the layer need not be kept for long.
  static func order(_ items: [WorkItem]) -> [WorkItem] {
    let groups = Dictionary(grouping: share(items), by: { $0.shared > 0 ? $0.layer : [$0.key, $0.one.series.name] })
    func cost(_ group: [WorkItem]) -> Int { group.map { $0.objects.last ?? 0 }.max() ?? 0 }
    return groups.values.map { group in
      group.sorted { ($0.objects.last ?? 0, $1.one.series.name) > ($1.objects.last ?? 0, $0.one.series.name) }
    }
    .sorted { (cost($0), $1[0].one.series.name) > (cost($1), $0[0].one.series.name) }
    .flatMap { $0 }
  }

  /// Groups the series that begin with the same patch. Each group shares the leading patches that all of its series
  /// have, if enough objects depend on these patches.
  private static func share(_ items: [WorkItem]) -> [WorkItem] {
    var items = items
    let groups = Dictionary(grouping: items.indices.filter { !items[$0].patches.isEmpty }) { items[$0].patches[0] }
    for group in groups.values where group.count > 1 {
      var length = items[group[0]].patches.count
      for index in group.dropFirst() {
        let common = zip(items[group[0]].patches, items[index].patches).prefix { $0 == $1 }.count
        length = min(length, common)
      }
      guard items[group[0]].objects[length - 1] >= worthSharing else { continue }
      for index in group { items[index].shared = length }
    }
    return items
  }
}

/// Which series of a run have to be tried, and in which order. A run and a dry run both use it.
struct PlannedWork: Sendable {
  /// The series that could not be read.
  var refused: [(series: ReadSeries, failure: ApplyFailure)] = []
  /// The series whose cached result is reused.
  var kept: [WorkItem] = []
  var pending: [WorkItem] = []

  /// - Parameter isKept: whether a result of the series is cached; called once for each series.
  init(
    _ series: [ReadSeries], cache: TrialCache, base: BaseBuild, isKept: (WorkItem) async throws -> Bool
  ) async throws {
    for one in series {
      if let failure = one.refused {
        refused.append((one, failure))
        continue
      }
      let item = try await WorkItem(one, kept: cache)
      if try await isKept(item) { kept.append(item) } else { pending.append(item) }
    }
    // Only the ordering needs the counts.
    if pending.count > 1 {
      for index in pending.indices { pending[index].objects = try base.objectCounts(of: pending[index].one.series) }
    }
    pending = WorkPlan.order(pending)
  }
}
