// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

/// Series that stand on others, as git and b4 say it.
@Suite struct PrerequisiteTests {
  private let scratch = try! Scratch()

  private func cage() async throws -> Cage {
    try await Cage.find(ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30))
  }

  /// Reads arguments as a run does.
  private func read(_ arguments: String...) async throws -> [ReadSeries] {
    let place = scratch.path.appending("read-\(UUID().uuidString)")
    let cage = try await cage()
    var series: [ReadSeries] = []
    for source in try SeriesForms.find(arguments) {
      series.append(try await source.read(into: place.appending(source.name), cage: cage))
    }
    return try await ReadSeries.onPrerequisites(series, in: place, cage: cage)
  }

  private func write(_ name: String, _ mails: String...) throws -> String {
    try scratch.write(name, mails.joined()).string
  }

  /// A cover letter or a patch with trailers, as a list archives it.
  private func archivedWith(
    _ trailers: String, _ subject: String, id: String, path: String = "a.c", answers: String? = nil
  ) -> String {
    archived(subject, id: id, answers: answers, path: path).replacing("-- \n", with: "\(trailers)\n-- \n")
  }

  private func subjects(_ one: ReadSeries) -> [String] { one.series.patches.map(\.subject) }
  private func sources(_ one: ReadSeries) -> [String?] { one.series.patches.map(\.from) }

  @Test func gitsOwnPatchIDsAreFoundInOtherSeries() async throws {
    let repository = try await SmallRepository()
    try await repository.commit("c.c", "int c;\n", "third")
    let (one, two) = (scratch.path.appending("one"), scratch.path.appending("two"))
    try await repository.git("format-patch", "-q", "-o", one.string, "v6.12..HEAD~1")
    try await repository.git("format-patch", "-q", "--base=v6.12", "-o", two.string, "HEAD~1..")
    let series = try await read(one.string, two.string)
    #expect(subjects(series[0]) == ["first: é", "second"])
    #expect(subjects(series[1]) == ["first: é", "second", "third"])
    #expect(sources(series[1]) == ["one", "one", nil])
    #expect(
      series[1].series.patches.map(\.file) == ["one/0001-first.patch", "one/0002-second.patch", "0001-third.patch"])
    #expect(series[1].diffs.map(\.lastComponent!.string) == ["0001.diff", "0002.diff", "0003.diff"])
    #expect(series[1].series.origin?.notes == [])
    #expect(series[1].series.origin?.baseCommit == (try await repository.git("rev-parse", "v6.12")))
    // They apply in that order.
    try await repository.git("checkout", "-q", "v6.12")
    try await repository.git(["apply"] + series[1].diffs.map(\.string))
    let text = try String(contentsOfFile: repository.path.appending("c.c").string, encoding: .utf8)
    #expect(text == "int c;\n")

    // Only a part of it is there.
    let part = scratch.path.appending("part")
    try await repository.git("format-patch", "-q", "-o", part.string, "my/topic~2..my/topic~1")
    let partly = try await read(part.string, two.string)[1]
    #expect(subjects(partly) == ["second", "third"])
    let note = partly.series.origin?.notes.first
    #expect(note?.hasPrefix("its prerequisite was not found; it is tried without it: patch-id ") == true)
    let alone = try await read(two.string)[0]
    #expect(subjects(alone) == ["third"])
    #expect(alone.series.origin?.notes.first?.hasPrefix("2 of its prerequisites were not found") == true)
  }

  @Test func aSeriesThatAMailNamesIsFoundWhole() async throws {
    let one = try write(
      "one.mbox", archived("[PATCH 0/2] both", id: "c", text: "Why.\n"),
      archived("[PATCH 1/2] first", id: "1", answers: "c", path: "1.c"),
      archived("[PATCH 2/2] second", id: "2", answers: "c", path: "2.c"))
    for id in ["c@example.org", "<2@example.org>"] {
      let two = try write("two.mbox", archivedWith("prerequisite-message-id: \(id)", "[PATCH] third", id: "3"))
      let series = try await read(two, one)
      #expect(subjects(series[0]) == ["first", "second", "third"])
      #expect(sources(series[0]) == ["one", "one", nil])
      #expect(subjects(series[1]) == ["first", "second"])
    }
  }

  @Test(arguments: [
    ("2026-topic-1", true), ("2026-topic-1:v2", true), ("2026-topic-1:v1", false), ("2026-topic", false),
  ])
  func aSeriesIsFoundByItsChangeID(_ id: String, _ isFound: Bool) async throws {
    let one = try write("one.mbox", archivedWith("change-id: 2026-topic-1", "[PATCH v2] first", id: "1", path: "1.c"))
    let two = try write("two.mbox", archivedWith("prerequisite-change-id: \(id)", "[PATCH] second", id: "2"))
    let series = try await read(one, two)[1]
    #expect(subjects(series) == (isFound ? ["first", "second"] : ["second"]))
    #expect(series.series.origin?.notes.isEmpty == isFound)
  }

  /// b4 names the series and its patches.
  @Test func whatIsNamedTwiceIsAppliedOnce() async throws {
    let first = archivedWith("change-id: 2026-topic-1", "[PATCH] first", id: "1", path: "1.c")
    let one = try write("one.mbox", first)
    let id = try await Git.tool(["patch-id", "--stable"]).output(input: Array(first.utf8)).prefix(40)
    let two = try write(
      "two.mbox",
      archivedWith(
        "prerequisite-change-id: 2026-topic-1:v1\nprerequisite-patch-id: \(id)", "[PATCH] second", id: "2"))
    let series = try await read(one, two)[1]
    #expect(subjects(series) == ["first", "second"])
    #expect(series.series.origin?.notes == [])
  }

  @Test func whatAPrerequisiteStandsOnComesFirst() async throws {
    let one = try write("one.mbox", archived("[PATCH] first", id: "1", path: "1.c"))
    let two = try write(
      "two.mbox", archivedWith("prerequisite-message-id: <1@example.org>", "[PATCH] second", id: "2", path: "2.c"))
    let three = try write(
      "three.mbox", archivedWith("prerequisite-message-id: <2@example.org>", "[PATCH] third", id: "3", path: "3.c"))
    let series = try await read(three, two, one)
    #expect(series.map(subjects) == [["first", "second", "third"], ["first", "second"], ["first"]])
    #expect(sources(series[0]) == ["one", "two", nil])
  }

  @Test func twoThatNameEachOtherEnd() async throws {
    let one = try write(
      "one.mbox", archivedWith("prerequisite-message-id: <2@example.org>", "[PATCH] first", id: "1", path: "1.c"))
    let two = try write(
      "two.mbox", archivedWith("prerequisite-message-id: <1@example.org>", "[PATCH] second", id: "2", path: "2.c"))
    let own = try write(
      "own.mbox", archivedWith("prerequisite-message-id: <3@example.org>", "[PATCH] third", id: "3", path: "3.c"))
    let series = try await read(one, two, own)
    #expect(series.map(subjects) == [["second", "first"], ["first", "second"], ["third"]])
    #expect(series.allSatisfy { $0.series.origin?.notes == [] })
  }

  /// The mailbox has the thread of another series, which is passed over.
  @Test(arguments: [true, false]) func theOtherMailsOfAMailboxAreSearched(_ byPatchID: Bool) async throws {
    let first = archived("[PATCH v3 1/2] first", id: "p1", answers: "pc", path: "1.c")
    let id = try await Git.tool(["patch-id", "--stable"]).output(input: Array(first.utf8)).prefix(40)
    let trailer = byPatchID ? "prerequisite-patch-id: \(id)" : "prerequisite-message-id: <pc@example.org>"
    let cover = archived("[PATCH v4 0/1] mine", id: "c", text: "Why.\n\n\(trailer)\n")
    let mbox = try write(
      "t.mbox", cover, archived("[PATCH v4 1/1] own", id: "c1", answers: "c", path: "own.c"),
      archived("[PATCH v3 0/2] before", id: "pc", text: "Why.\n"), first,
      archived("[PATCH v3 2/2] second", id: "p2", answers: "pc", path: "2.c"),
      archived("Re: [PATCH v3 1/2] first", id: "r", answers: "p1", text: "> x\n"),
      archived(
        "[PATCH v3 3/3] broken", id: "x",
        text: "diff --git a/../x b/../x\n--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n"))
    let series = try await read(mbox)[0]
    #expect(subjects(series) == (byPatchID ? ["first", "own"] : ["first", "second", "own"]))
    #expect(sources(series).first == "“before”")
    #expect(series.series.patches[0].file == "t.mbox#4")
  }

  @Test func manyThatAreMissingAreOneSentence() async throws {
    let trailers = (1...5).map { "prerequisite-message-id: <gone-\($0)@example.org>" }.joined(separator: "\n")
    let series = try await read(try write("two.mbox", archivedWith(trailers, "[PATCH] x", id: "x")))[0]
    #expect(
      series.series.origin?.notes == [
        "5 of its prerequisites were not found; it is tried without them: message-id gone-1@example.org, "
          + "message-id gone-2@example.org, message-id gone-3@example.org, …"
      ])
  }
}
