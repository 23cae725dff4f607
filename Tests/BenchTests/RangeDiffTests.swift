// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import Bench

@Suite("Range-diffs") struct RangeDiffTests {
  private static func series(_ path: String, version: Int? = nil, change: String? = nil) -> PatchSeries {
    let file = FilePath(path).lastComponent!.string
    let name = file.replacing(/\.mbox/, with: "").replacing("#", with: "-")
    var series = PatchSeries(name: name, patches: [], path: path)
    var origin = SeriesOrigin()
    (origin.version, origin.changeID) = (version, change)
    series.origin = origin
    return series
  }

  /// What is given, and the indices of the series that are compared.
  static let cases: [(name: String, given: [PatchSeries], pairs: [[Int]])] = [
    ("one", [series("a")], []),
    ("none", [], []),
    ("two rivals", [series("a"), series("b")], [[0, 1]]),
    ("three strangers", [series("a"), series("b"), series("c")], []),
    ("versions in one mailbox", [series("t.mbox#v1"), series("t.mbox#v2"), series("x")], [[0, 1]]),
    ("out of order", [series("t.mbox#v3"), series("t.mbox#v1"), series("t.mbox#v2")], [[1, 2], [2, 0]]),
    ("directories", [series("d/v4"), series("d/v3")], [[1, 0]]),
    ("named alike", [series("d/fix-v1"), series("d/other-v2"), series("d/fix-v2")], [[0, 2]]),
    ("named alike elsewhere", [series("d/fix-v1"), series("e/fix-v2"), series("x")], []),
    (
      "one change-id", [series("b", version: 2, change: "1"), series("c"), series("a", version: 1, change: "1")],
      [[2, 0]]
    ),
    (
      "linked by a third", [series("d/v1"), series("x", version: 3, change: "1"), series("d/v2", change: "1")],
      [[0, 2], [2, 1]]
    ),
    ("no numbers", [series("convolv2"), series("v"), series("x")], []),
  ]

  @Test("what is compared", arguments: cases.indices) func pairs(_ index: Int) {
    let (name, given, pairs) = Self.cases[index]
    #expect(RelatedSeries.pairs(given).map { [$0.older, $0.newer] } == pairs, "\(name)")
  }

  @Test(
    "an author that git takes",
    arguments: [
      ("A U Thor <a@example.org>", "A U Thor <a@example.org>"), ("", "unknown <unknown>"),
      ("only a name", "only a name <unknown>"), ("<a@x>", "unknown <a@x>"), ("A <B> <c@x>\n", "A <B c@x>"),
      ("... <->", "unknown <unknown>"),
    ]) func author(_ text: String, _ taken: String)
  {
    #expect(RangeDiffs.author(text) == taken)
  }

  private let scratch = try! Scratch()

  /// A series of one patch that changes `b` in `drivers/a.c` to this.
  private func change(_ name: String, to text: String, from old: String = "b") throws -> ReadSeries {
    let diff = try scratch.write(
      "\(name).diff",
      """
      diff --git a/drivers/a.c b/drivers/a.c
      --- a/drivers/a.c
      +++ b/drivers/a.c
      @@ -1,3 +1,3 @@
       a
      -\(old)
      +\(text)
       c

      """)
    var patch = Patch(subject: "change a", author: "Ä <a@x>", file: "1", paths: ["drivers/a.c", "new.c"])
    patch.message = "Why \(name).\n"
    return ReadSeries(series: PatchSeries(name: name, patches: [patch], path: name), diffs: [diff])
  }

  private func diffs(_ series: [ReadSeries]) async throws -> [RangeDiff] {
    try scratch.write("tree/drivers/a.c", "a\nb\nc\n")
    try scratch.write("tree/other.c", "x\n")
    return try await RangeDiffs(
      tree: scratch.path.appending("tree"), scratch: scratch.path.appending("scratch"), cage: SmallTree.cage()
    ).of(series)
  }

  @Test("two versions") func versions() async throws {
    let made = try await diffs([change("v1", to: "old"), change("v2", to: "new")])
    #expect(made.map(\.older) == ["v1"] && made.map(\.newer) == ["v2"] && made[0].remark == nil)
    let text = made[0].lines.joined(separator: "\n")
    #expect(made[0].lines.first?.contains(/1:  [0-9a-f]+ ! 1:  [0-9a-f]+ change a/) == true, "\(text)")
    #expect(text.contains("    -+old") && text.contains("    ++new"), "\(text)")
    #expect(text.contains("-    Why v1.") && text.contains("+    Why v2."), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: scratch.path.pushing("scratch/0").string))
  }

  @Test("a side that does not apply") func refused() async throws {
    let made = try await diffs([change("v1", to: "old"), change("v2", to: "new", from: "other")])
    #expect(made.map(\.remark) == ["patch 1 of v2 does not apply to the base"])
    #expect(made[0].lines.isEmpty)
    var unread = try change("v2", to: "new")
    (unread.diffs, unread.refusal) = ([], "no patches")
    #expect(try await diffs([change("v1", to: "old"), unread]).map(\.remark) == ["v2 could not be read"])
  }
}
