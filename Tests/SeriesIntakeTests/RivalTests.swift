// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

/// Threads that have more than one series.
@Suite struct RivalTests {
  private let scratch = try! Scratch()

  private func read(_ text: String) async throws -> PatchSeries {
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let source = try #require(try SeriesForms.find([text]).first)
    let out = scratch.path.appending("out-\(UUID().uuidString)")
    return try await source.read(into: out, cage: Cage.find(limits)).series
  }

  /// An RFC, what became of it, and a rival of somebody else, all in one thread and all in their first version.
  private static let thread = [
    archived("[RFC PATCH 0/2] plan", id: "r0", text: "Why.\n"),
    archived("[RFC PATCH 1/2] one", id: "r1", answers: "r0", path: "r1.c"),
    archived("[RFC PATCH 2/2] two", id: "r2", answers: "r0", path: "r2.c"),
    archived("Re: [RFC PATCH 1/2] one", id: "re", answers: "r1", text: "> Why.\n", by: "reader"),
    archived("[PATCH 0/2] done", id: "p0", answers: "r0", text: "As discussed.\n"),
    archived("[PATCH 1/2] one", id: "p1", answers: "p0", path: "p1.c"),
    archived("[PATCH 2/2] two", id: "p2", answers: "p0", path: "p2.c"),
    archived("[PATCH 1/2] other", id: "q1", answers: "p0", path: "q1.c", by: "rival"),
    archived("[PATCH 2/2] another", id: "q2", answers: "q1", path: "q2.c", by: "rival"),
    archived("[PATCH] fixup", id: "f", answers: "p2", path: "f.c", by: "reader"),
    archived("[PATCH] and mine", id: "g", answers: "p2", path: "g.c"),
    archived("[PATCH v2 2/2] two", id: "v2", answers: "p2", path: "v2.c"),
  ]

  @Test(arguments: [
    ("r0", ["r1.c", "r2.c"]), ("r2", ["r1.c", "r2.c"]), ("re", ["r1.c", "r2.c"]), ("p0", ["p1.c", "p2.c"]),
    ("p1", ["p1.c", "p2.c"]), ("q1", ["q1.c", "q2.c"]), ("q2", ["q1.c", "q2.c"]), ("f", ["f.c"]), ("g", ["g.c"]),
  ]) func theSeriesOfTheNamedMailIsTaken(_ id: String, _ paths: [String]) async throws {
    let path = try await archive(Self.thread, in: scratch)
    let series = try await read("\(path)#\(id)@example.org")
    #expect(series.patches.map(\.paths) == paths.map { [$0] })
  }

  @Test func theRivalIsNamed() async throws {
    let mails = [
      archived("[PATCH 1/1] one", id: "1"),
      archived("[PATCH 1/1] other", id: "2", answers: "1", path: "b.c", by: "rival"),
    ]
    let series = try await read("\(archive(mails, in: scratch))#2@example.org")
    #expect(series.patches.map(\.paths) == [["b.c"]])
    #expect(series.origin?.notes == ["passed over: “one” (1@example.org), which is not a part of this series"])
  }

  /// The oldest of two mails with one number is taken, as b4 does with an mbox, whichever mail is named.
  @Test(arguments: ["c", "1", "2"]) func aMailThatWasSentTwice(_ id: String) async throws {
    let mails = [
      archived("[PATCH 0/2] both", id: "c", text: "Why.\n"),
      archived("[PATCH 1/2] one", id: "1", answers: "c", path: "1.c"),
      archived("[PATCH 2/2] two", id: "2", answers: "c", path: "2.c"),
      archived("[PATCH 2/2] two", id: "3", answers: "c", path: "3.c"),
    ]
    let mbox = try await read(scratch.write("t.mbox", mails.joined()).string).patches.map(\.paths)
    #expect(mbox == [["1.c"], ["2.c"]])
    let path = try await archive(mails, in: scratch)
    #expect(try await read("\(path)#\(id)@example.org").patches.map(\.paths) == mbox)
  }

  /// Without numbers, only the senders tell a series from what others answer.
  @Test(arguments: ["[PATCH] three", "Odp: [PATCH] one", "R: one", "回复: [PATCH] one", "RE： [PATCH] one", "NAK: one"])
  func aDiffInAnAnswerIsNoPatchOfTheSeries(_ subject: String) async throws {
    let mails = archived("[PATCH] one", id: "1") + archived(subject, id: "2", answers: "1", path: "b.c", by: "reader")
    let series = try await read(scratch.write("t.mbox", mails).string)
    #expect(series.patches.map(\.paths) == [["a.c"]])
    #expect(series.origin?.notes.isEmpty == false)
  }

  @Test func theAuthorsOwnPatchesWithoutNumbersAreOneSeries() async throws {
    let mails =
      archived("[PATCH] one", id: "1", path: "1.c") + archived("[PATCH] two", id: "2", answers: "1", path: "2.c")
    #expect(try await read(scratch.write("t.mbox", mails).string).patches.map(\.paths) == [["1.c"], ["2.c"]])
  }

  // MARK: - Damaged mails

  @Test func aPatchWithANumberAndNoDiffIsNotTheCoverLetter() async throws {
    let mails =
      archived("[PATCH 1/2] one", id: "1", text: "  diff --git a/a.c b/a.c\n") + archived("[PATCH 2/2] two", id: "2")
    await #expect(throws: IntakeError.self) { _ = try await read(scratch.write("t.mbox", mails).string) }
  }

  @Test func aFirstMailWithoutADiffIsNamed() async throws {
    let mails = archived("[PATCH] both", id: "1", text: "Why.\n") + archived("[PATCH] one", id: "2", answers: "1")
    let series = try await read(scratch.write("t.mbox", mails).string)
    #expect(series.cover?.subject == "both")
    #expect(series.origin?.notes == ["t.mbox has no diff, and is taken for the cover letter"])
  }

  @Test func twoMailsWithOneMessageIDAreRefused() async throws {
    try scratch.write("d/0001.patch", archived("[PATCH 1/2] one", id: "1", path: "1.c"))
    try scratch.write("d/0002.patch", archived("[PATCH 2/2] two", id: "1", path: "2.c"))
    let path = scratch.path.appending("d").string
    await #expect(throws: IntakeError.sameID("\(path)/0001.patch", "\(path)/0002.patch", "1@example.org")) {
      _ = try await read(path)
    }
    // What a `series` file lists is applied, whatever it is.
    try scratch.write("d/series", "0001.patch\n./0002.patch\n")
    let quilt = try await read(path)
    #expect(quilt.patches.map(\.paths) == [["1.c"], ["2.c"]])
    #expect(quilt.origin?.notes == [])
  }

  @Test(arguments: ["\n\n", "\u{feff}"]) func whatStandsBeforeTheHeadersHidesNothing(_ before: String) async throws {
    let mail = archived("[PATCH 2/2] two", id: "2", path: "2.c")
    try scratch.write("d/1.patch", archived("[PATCH 1/2] one", id: "1", path: "1.c"))
    try scratch.write("d/2.patch", before + mail[mail.range(of: "\n")!.upperBound...])
    #expect(try await read(scratch.path.appending("d").string).patches.map(\.paths) == [["1.c"], ["2.c"]])
  }

  @Test func oneUnreadableSeriesDoesNotKeepOthersFromBeingJudged() async throws {
    try scratch.write("all/good/a.patch", archived("[PATCH] one", id: "1"))
    try FileManager.default.createDirectory(
      atPath: scratch.path.appending("all/empty").string, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: scratch.path.appending("all/bad").string, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.appending("all/bad/x.patch").string, withDestinationPath: "nowhere")
    let found = try SeriesForms.find([scratch.path.appending("all").string])
    #expect(found.map(\.name) == ["bad", "empty", "good"])
    for one in found where one.name != "good" {
      await #expect(throws: IntakeError.self) { _ = try await one.read(into: scratch.path.appending("out"), cage: nil) }
    }
    #expect(throws: IntakeError.noSuchPath("/nowhere")) {
      try SeriesForms.find([scratch.path.appending("all").string, "/nowhere"])
    }
  }

  /// Each pair of brackets is a step through the rest of the subject, so it must not be long.
  @Test func anEndlessSubjectIsCut() {
    #expect(SubjectTag("[PATCH 2/3] " + String(repeating: "x", count: 70_000)).title.count < 1000)
  }
}
