// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

/// Writes an archive: one commit for each mail, which is in the file `m`.
/// - Parameter dates: when each mail arrived, in seconds since 1970.
func archive(_ mails: [String], dates: [Int] = [], in scratch: Scratch) async throws -> String {
  let path = scratch.path.appending("archive.git")
  _ = try await Git.tool(["init", "-q", "--bare", path.string]).output()
  var stream = ""
  for (number, mail) in mails.enumerated() {
    // Without the line that separates mails in an mbox.
    let text = mail[mail.range(of: "\n")!.upperBound...]
    stream += """
      commit refs/heads/master
      committer A <a@example.org> \(dates.isEmpty ? 1_793_613_600 : dates[number]) +0000
      data 1
      x
      M 100644 inline m
      data \(text.utf8.count)
      \(text)

      """
  }
  _ = try await Git.tool(["-C", path.string, "fast-import", "--quiet"]).output(input: Array(stream.utf8))
  return path.string
}

@Suite struct PublicInboxTests {
  private func read(_ text: String, _ scratch: Scratch) async throws -> PatchSeries {
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let source = try #require(try SeriesForms.find([text]).first)
    defer { try? FileManager.default.removeItem(atPath: scratch.path.appending("out").string) }
    return try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
  }

  @Test func aPrerequisiteIsLookedUpInTheArchive() async throws {
    let scratch = try Scratch()
    func naming(_ id: String, _ mail: String) -> String {
      mail.replacing("-- \n", with: "prerequisite-message-id: <\(id)@example.org>\n-- \n")
    }
    let path = try await archive(
      [
        archived("[PATCH 0/2] before", id: "c", text: "Why.\n"),
        archived("[PATCH 1/2] first", id: "1", answers: "c", path: "1.c"),
        archived("[PATCH 2/2] second", id: "2", answers: "c", path: "2.c"),
        naming("c", archived("[PATCH] third", id: "3", path: "3.c")),
        naming("gone", archived("[PATCH] fourth", id: "4", path: "4.c")),
      ], in: scratch)
    func whole(_ id: String) async throws -> PatchSeries {
      let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
      let cage = try await Cage.find(limits)
      let place = scratch.path.appending("read-\(id)")
      let source = try #require(try SeriesForms.find(["\(path)#\(id)@example.org"]).first)
      let read = try await source.read(into: place.appending("one"), cage: cage)
      return try await ReadSeries.onPrerequisites([read], in: place, cage: cage)[0].series
    }
    let series = try await whole("3")
    #expect(series.patches.map(\.subject) == ["first", "second", "third"])
    #expect(series.patches.map(\.from) == ["“before”", "“before”", nil])
    #expect(series.origin?.notes == [])
    let missing = try await whole("4")
    #expect(missing.patches.map(\.subject) == ["fourth"])
    #expect(missing.origin?.notes.count == 1)
  }

  @Test func aThreadOfAnArchive() async throws {
    let scratch = try Scratch()
    let path = try await archive(
      [
        archived("[PATCH v2 0/2] both", id: "c", text: "What it is for.\n"),
        archived("[PATCH] other", id: "other", path: "other.c"),
        archived("[PATCH v2 2/2] second", id: "p2", answers: "c", path: "2.c"),
        archived("[PATCH v2 1/2] first", id: "p1", answers: "c", path: "1.c"),
        archived("Re: [PATCH v2 1/2] first", id: "r", answers: "p1", text: "Message-ID: <other@example.org>\n"),
        archived("[PATCH] dated", id: "20261102100000.1-1-a", path: "4.c"),
        // It arrived at another time than its name says.
        archived("[PATCH] misdated", id: "20200101.old", path: "5.c"),
        archived("[PATCH v3 1/1] newer", id: "n", answers: "c", path: "3.c"),
      ], in: scratch)
    // Any mail of the version names it.
    for id in ["c@example.org", "<p2@example.org>", "r@example.org"] {
      let series = try await read("\(path)#\(id)", scratch)
      #expect(series.patches.map(\.paths) == [["1.c"], ["2.c"]])
      #expect(series.cover?.subject == "both")
    }
    #expect(try await read("\(path)#n@example.org", scratch).patches.map(\.paths) == [["3.c"]])
    #expect(try await read("\(path)#n@example.org#v2", scratch).patches.map(\.paths) == [["1.c"], ["2.c"]])
    let versions = try await SeriesForms.versions(
      of: SeriesForms.find(["\(path)#c@example.org"]), scratch: scratch.path.appending("versions"), cage: nil)
    #expect(versions.map(\.name) == ["c-example.org-v2", "c-example.org-v3"])
    #expect(versions.map(\.path.string) == ["\(path)#c@example.org#v2", "\(path)#c@example.org#v3"])
    let dated = try await read("\(path)#20261102100000.1-1-a@example.org", scratch)
    #expect(dated.patches.map(\.paths) == [["4.c"]])
    #expect(try await read("\(path)#20200101.old@example.org", scratch).patches.map(\.paths) == [["5.c"]])
    #expect(try await read("\(path)#other@example.org", scratch).name == "other-example.org")
  }

  @Test(arguments: [
    ("x@y", "no mail in the archive has this Message-ID"), ("v3", "“v3” is not a Message-ID"),
  ]) func aMailThatIsNotThereIsRefused(_ id: String, _ reason: String) async throws {
    let scratch = try Scratch()
    let path = try await archive([archived("[PATCH] a", id: "1")], in: scratch)
    await #expect(throws: IntakeError.noMail("\(path)#\(id)", reason: reason)) {
      _ = try await read("\(path)#\(id)", scratch)
    }
  }

  @Test(arguments: [
    ("20261102101112.12-1-x@y", 1_793_577_600), ("20261102-topic-v1-0-1a2b@y", 1_793_577_600),
    ("cover.1793700000.git.x@y", 1_793_700_000), ("CAF-12@y", nil), ("20269902-x@y", nil), ("x@20261102", nil),
    ("99999999999999999999-x@y", nil),
  ]) func aMessageIDCanHaveADate(_ id: String, _ seconds: Int?) {
    #expect(MailDate.seconds(in: id) == seconds)
  }

  @Test func foldedHeadersAreFollowed() {
    var index = MailIndex()
    let blob = String(repeating: "0", count: 39)
    // Some lines of the addressees come without the start of their field.
    index.take("1:\(blob)1 blob 9 \n5:\t<to@x>\n7:Message-ID:\n8: <a@x>\n")
    index.take("11:\(blob)2 blob 9 17\n12:Message-ID: <b@x>\n13:References: <z@x>\n14:\t<a@x>\n16:\t<to@x>\n")
    index.take("21:\(blob)3 blob 9 18\n23:References: <b@x>\n25:message-id: <c@x>\n")
    index.take("31:\(blob)4 blob 9 19\n33:Message-ID: <d@x>\n35:\t<to@x>\n39:Message-ID: <a@x>\n")
    index.take("41:\(blob)5 blob 9 20\n42:Message-ID: <f@x>\n43:In-Reply-To: <d@x>\n")
    #expect(index.thread(of: "a@x").blobs == [3, 2, 1].map { "\(blob)\($0)" })
    #expect(index.thread(of: "c@x").blobs == [3, 2, 1].map { "\(blob)\($0)" })
    #expect(index.thread(of: "e@x").blobs == [])
    // There is no z@x.
    #expect(!index.thread(of: "c@x").isWhole)
    #expect(index.thread(of: "f@x").isWhole)
    #expect(["a@x", "b@x", "d@x", "e@x"].map(index.date) == [0, 17, 19, nil])
  }
}
