// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake

/// What became of the series of an archive, as a table by reason.
public struct ArchiveTable: Sendable {
  /// The rows: what, how many, and of how many.
  private var rows: [(words: String, count: Int, all: Int)] = []
  /// What b4 reads and patchbench does not read alike.
  public private(set) var unlikeB4: [ArchiveSurvey.Entry]

  /// - Parameter kernels: the names of the kernels that were tried.
  public init(_ entries: [ArchiveSurvey.Entry], kernels: [String]) {
    let read = entries.filter { $0.refusal == nil }
    let whole = entries.filter { $0.b4 == .same || $0.b4 == .other }
    unlikeB4 = whole.filter { $0.b4 == .other }
    add("series", entries.count, entries.count)
    add("b4 reads", whole.count, entries.count)
    add("  of these, read alike", whole.count { $0.b4 == .same }, whole.count)
    add("read", read.count, entries.count)
    add("  b4 finds only a part", read.count { $0.b4 == .incomplete }, read.count)
    add("  b4 finds nothing", read.count { $0.b4 == .nothing }, read.count)
    add("refused", entries.count - read.count, entries.count)
    addCounts(entries.compactMap(\.kind), of: entries.count - read.count)
    if kernels.isEmpty { return }
    add("applies to a kernel here", read.count { $0.refusals.count < kernels.count }, read.count)
    for kernel in kernels {
      add("applies to \(kernel)", read.count { $0.refusals[kernel] == nil }, read.count)
      let refusals = read.compactMap { $0.refusals[kernel]?.rawValue }
      add("does not apply to \(kernel)", refusals.count, read.count)
      addCounts(refusals, of: refusals.count)
    }
  }

  private mutating func add(_ words: String, _ count: Int, _ all: Int) { rows.append((words, count, all)) }

  /// Adds a row for each reason, the most frequent first.
  private mutating func addCounts(_ reasons: [String], of all: Int) {
    let counts = Dictionary(grouping: reasons, by: { $0 }).mapValues(\.count)
    for (reason, count) in counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      add("  \(reason)", count, all)
    }
  }

  /// The table for a terminal. None of it is a stranger's text.
  public var text: String {
    let width = (rows.map(\.words.count).max() ?? 0) + 2
    return rows.map { row in
      let words = row.words.padding(toLength: width, withPad: " ", startingAt: 0)
      let count = String(repeating: " ", count: max(0, 7 - "\(row.count)".count)) + "\(row.count)"
      return words + count + (row.all > 0 ? Self.share(row.count, of: row.all) : "")
    }.joined(separator: "\n")
  }

  /// `   97.5 %`; never 100 if one is missing.
  private static func share(_ count: Int, of all: Int) -> String {
    let tenths = count * 1000 / all
    let text = "\(tenths / 10).\(tenths % 10)"
    return String(repeating: " ", count: max(0, 8 - text.count)) + text + " %"
  }
}
