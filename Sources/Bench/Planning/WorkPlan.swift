// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild
import SeriesIntake
import Toolbox

/// A series with what is known of its work before it begins.
struct WorkItem: Sendable, Hashable {
  var one: ReadSeries
  /// Under which its result is kept; see ``TrialCache``.
  var key: String
  /// The digests of its diffs, in their order.
  var patches: [String]
  /// How many objects its patches make necessary, by the base's records, for the first patch alone, the first two, ….
  var objects: [Int] = []
  /// How many of its first patches are built once for several series; 0 is the rule.
  var shared = 0

  /// Equal for all series that share a layer.
  var layer: [String] { Array(patches.prefix(shared)) }
}

extension WorkItem {
  /// - Throws: ``ToolError`` if a diff cannot be read.
  init(_ one: ReadSeries, kept: TrialCache) async throws {
    var digests: [String] = []
    for diff in one.diffs { digests.append(try await Digest.of(file: diff)) }
    self.init(one: one, key: try await kept.key(digests), patches: digests)
  }
}

/// In which order series are worked at, and which of them share their leading patches.
enum WorkPlan {
  /// Fewer objects than this are compiled again faster than a layer is put between.
  static let worthSharing = 64

  /// Finds the leading patches that series share, and puts those with the most to compile first: they would otherwise
  /// keep everything waiting at the end. Who shares a layer stays together, so that it need not be kept for long.
  static func order(_ items: [WorkItem]) -> [WorkItem] {
    let groups = Dictionary(grouping: share(items), by: { $0.shared > 0 ? $0.layer : [$0.key, $0.one.series.name] })
    func cost(_ group: [WorkItem]) -> Int { group.map { $0.objects.last ?? 0 }.max() ?? 0 }
    return groups.values.map { group in
      group.sorted { ($0.objects.last ?? 0, $1.one.series.name) > ($1.objects.last ?? 0, $0.one.series.name) }
    }
    .sorted { (cost($0), $1[0].one.series.name) > (cost($1), $0[0].one.series.name) }
    .flatMap { $0 }
  }

  /// Of the series that begin with the same patch, as many leading patches as all of them have are shared, if these
  /// touch much.
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

/// What of a run's series has to be tried, in the order in which that is done. A run and a dry run both go by it.
struct PlannedWork: Sendable {
  /// Those that could not be read.
  var refused: [(series: ReadSeries, failure: ApplyFailure)] = []
  /// Those of which a kept result is taken.
  var kept: [WorkItem] = []
  var pending: [WorkItem] = []

  /// - Parameter isKept: whether a result of the series is at hand; asked once for each.
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
    // Only an order needs it.
    if pending.count > 1 {
      for index in pending.indices { pending[index].objects = try base.objectCounts(of: pending[index].one.series) }
    }
    pending = WorkPlan.order(pending)
  }
}
