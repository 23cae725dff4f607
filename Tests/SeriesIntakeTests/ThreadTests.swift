// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import TestSupport
import Testing
import Toolbox

/// Returns a mail as a list archives it.
/// - Parameters:
///   - text: the body; `nil` is a patch of the file `path`.
///   - author: the name of the address.
func archived(
  _ subject: String, id: String, answers parent: String? = nil, path: String = "a.c", text: String? = nil,
  by author: String = "author"
) -> String {
  let whole = mail(subject, path: path)
  let patch = String(whole[whole.range(of: "\n\n")!.upperBound...])
  return """
    From mboxrd@z Thu Jan  1 00:00:00 1970
    From: A U Thor <\(author)@example.org>
    Date: Mon, 2 Nov 2026 10:00:00 +0000
    Subject: \(subject)
    Message-ID: <\(id)@example.org>

    """ + (parent.map { "In-Reply-To: <\($0)@example.org>\nReferences: <\($0)@example.org>\n" } ?? "")
      + "\n\(text ?? patch)\n"
}

private let review = "> Why.\n\nReviewed-by: B Reviewer <reviewer@example.org>\n"

/// Reads one file in a cage. Each test gives the mails of one thread.
private func read(_ text: String, named name: String = "t.mbox") async throws -> PatchSeries {
  let scratch = try Scratch()
  let file = try scratch.write(name, text)
  let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
  let source = try #require(try SeriesForms.find([file.string]).first)
  return try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
}

@Suite struct ThreadTests {
  @Test func aReplyIsPassedOver() async throws {
    let series = try await read(
      archived("[PATCH] one", id: "1") + archived("Re: [PATCH] one", id: "2", answers: "1", text: review))
    #expect(series.patches.map(\.subject) == ["one"])
    #expect(series.origin?.notes == ["passed over: 1 reply"])
    #expect(series.origin?.messageID == "1@example.org")
  }

  /// Some lists put their prefix before everything.
  @Test func aReplyWithAListPrefixIsPassedOver() async throws {
    let series = try await read(
      archived("[list] [PATCH] one", id: "1")
        + archived("[list] Re: [PATCH] one", id: "2", answers: "1", path: "wrong.c"))
    #expect(series.patches.map(\.paths) == [["a.c"]])
  }

  @Test func theNewestOfTwoVersionsIsTaken() async throws {
    let series = try await read(
      archived("[PATCH] one", id: "1") + archived("[PATCH v2] one", id: "2", path: "b.c"))
    #expect(series.patches.map(\.paths) == [["b.c"]])
    #expect(series.origin?.version == 2)
    #expect(series.origin?.notes == ["v2 is taken; also in the thread: v1 (--versions all judges each)"])
  }

  @Test func mailsAreOrderedByTheirNumbers() async throws {
    let series = try await read([1, 3, 2].map { mail("[PATCH \($0)/3] p\($0)", path: "\($0).c") }.joined())
    #expect(series.patches.map(\.subject) == ["p1", "p2", "p3"])
    #expect(series.origin?.notes == ["the patches are put in the order of their numbers"])
  }

  @Test func aWholeThread() async throws {
    let series = try await read(
      archived("[PATCH v3 0/2] both", id: "c", text: "What it is for.\n\nbase-commit: 0123456789abcdef\n")
        + archived("Re: [PATCH v3 0/2] both", id: "r", answers: "c", text: review)
        + archived("[PATCH v3 2/2] second", id: "2", answers: "c", path: "2.c")
        + archived("[PATCH v3 1/2] first", id: "1", answers: "c", path: "1.c")
        + archived("Re: [PATCH v3 1/2] first", id: "r1", answers: "1", text: review))
    #expect(series.patches.map(\.subject) == ["first", "second"])
    #expect(series.cover?.subject == "both")
    #expect(series.origin?.baseCommit == "0123456789abcdef")
    #expect(series.origin?.messageID == "c@example.org")
    #expect(series.origin?.notes == ["passed over: 2 replies"])
  }

  /// v2 of patch 2 was sent as an answer to its v1.
  @Test func aSeriesThatIsPartlySentAgainIsWhole() async throws {
    let series = try await read(
      archived("[PATCH 0/2] both", id: "c", text: "What it is for.\n")
        + archived("[PATCH 1/2] first", id: "1", answers: "c", path: "1.c")
        + archived("[PATCH 2/2] second", id: "2", answers: "c", path: "2.c")
        + archived("[PATCH v2 2/2] second", id: "3", answers: "2", path: "3.c"))
    #expect(series.patches.map(\.paths) == [["1.c"], ["3.c"]])
    #expect(series.origin?.notes.contains { $0.contains("v1 1/2") } == true)
  }

  @Test func aMailThatCannotBeSortedInIsNamed() async throws {
    let series = try await read(
      archived("[PATCH 1/1] one", id: "1") + archived("[PATCH] other", id: "2", answers: "1", path: "other.c"))
    #expect(series.patches.map(\.subject) == ["one"])
    #expect(series.origin?.notes == ["passed over: “other” (t.mbox#2), which is not a part of this series"])
  }

  @Test func aMissingPatchIsNamed() async throws {
    let thread =
      archived("[PATCH 1/4] first", id: "1") + archived("[PATCH 4/4] last", id: "4", answers: "1")
      + archived("Re: [PATCH 1/4] first", id: "2", answers: "1", text: review)
    let error = await #expect(throws: IntakeError.self) { _ = try await read(thread) }
    guard case .missing(let patches, _, "1@example.org") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(patches == ["2/4", "3/4"])
    #expect(error?.description.contains("patches 2/4 and 3/4 are missing") == true)
  }

  /// Its patches may have been sent without threading, or not to this list.
  @Test(arguments: [true, false]) func aCoverLetterAloneIsRefused(_ isAnswered: Bool) async throws {
    let cover = archived("[PATCH 0/2] both", id: "c", text: "What it is for.\n")
    let reply = archived("Re: [PATCH 0/2] both", id: "r", answers: "c", text: review)
    let error = await #expect(throws: IntakeError.self) { _ = try await read(cover + (isAnswered ? reply : "")) }
    #expect(
      error?.description.hasSuffix(
        "without its patches. Add them, or name the whole thread: "
          + "`b4 mbox 'c@example.org'` saves it.") == true)
  }

  @Test func aMessageIDIsQuotedInACommand() {
    let error = IntakeError.missing(patches: ["2/2"], path: "x", messageID: "a'; rm x; '@b")
    #expect("\(error)".contains(#"b4 mbox 'a'\''; rm x; '\''@b'"#))
  }

  @Test func eachVersionCanBeASeries() async throws {
    let scratch = try Scratch()
    let thread =
      archived("[PATCH 0/2] both", id: "c", text: "What it is for.\n")
      + archived("[PATCH 1/2] first", id: "1", answers: "c", path: "1.c")
      + archived("[PATCH 2/2] second", id: "2", answers: "c", path: "2.c")
      + archived("[PATCH v2] first", id: "3", answers: "c", path: "3.c")
      + archived("[v4] no patch", id: "4", answers: "3", text: "Hello.\n")
    let file = try scratch.write("t.mbox", thread)
    let single = try scratch.write("0001.patch", mail("[PATCH] a"))
    let found = try SeriesForms.find([file.string, single.string])
    let all = try await SeriesForms.versions(of: found, scratch: scratch.path.appending("scratch"), cage: nil)
    #expect(all.map(\.name) == ["t-v1", "t-v2", "0001"])
    #expect(all.map(\.path.string) == ["\(file)#v1", "\(file)#v2", single.string])
    var paths: [[String]] = []
    for one in all {
      let series = try await one.read(into: scratch.path.appending(one.name), cage: nil).series
      paths.append(series.patches.flatMap(\.paths))
    }
    #expect(paths == [["1.c", "2.c"], ["3.c"], ["a.c"]])
  }

  /// Reports name a version in this way, in commands that judge it again.
  @Test func aVersionCanBeNamed() async throws {
    let scratch = try Scratch()
    let file = try scratch.write(
      "t.mbox", archived("[PATCH] one", id: "1", path: "1.c") + archived("[PATCH v2] one", id: "2", path: "2.c"))
    let found = try SeriesForms.find(["\(file)#v1", file.string])
    #expect(found.map(\.name) == ["t-v1", "t"])
    let series = try await found[0].read(into: scratch.path.appending("out"), cage: nil).series
    #expect(series.patches.map(\.paths) == [["1.c"]])
    #expect(series.path == "\(file)#v1")
    let third = try SeriesForms.find(["\(file)#v3"])
    await #expect(throws: IntakeError.noVersion("\(file)#v3", 3, others: [1, 2])) {
      _ = try await third[0].read(into: scratch.path.appending("third"), cage: nil)
    }
    #expect(throws: IntakeError.noSuchPath("\(file)#v")) { try SeriesForms.find(["\(file)#v"]) }
  }

  /// Whoever is on the list and in Cc has two copies.
  @Test func aMailOfWhichThereAreTwoCopiesIsReadOnce() async throws {
    let series = try await read(archived("[PATCH] one", id: "1") + archived("[list] [PATCH] one", id: "1"))
    #expect(series.patches.map(\.subject) == ["one"])
    #expect(series.origin?.notes == ["passed over: 1 second copy of a mail"])
  }

  @Test func mailsWithoutMessageIDsAreStillAThread() async throws {
    let series = try await read(
      mail("[PATCH 1/1] one") + mail("Re: [PATCH 1/1] one", path: "wrong.c") + mail("[PATCH v2 1/1] one", path: "b.c"))
    #expect(series.patches.map(\.paths) == [["b.c"]])
  }
}
