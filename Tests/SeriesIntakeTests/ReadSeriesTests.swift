// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import TestSupport
import Testing
import Toolbox

private let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)

/// Reads one series from these files.
private func read(_ files: [String: String]) async throws -> (ReadSeries, Scratch) {
  let scratch = try Scratch()
  for (name, text) in files { try scratch.write("in/series/\(name)", text) }
  let source = try SeriesForms.find([scratch.path.pushing("in/series").string])[0]
  return (try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)), scratch)
}

@Suite struct ReadSeriesTests {
  @Test func aMissingPatchIsNamed() async throws {
    let error = await #expect(throws: IntakeError.self) {
      _ = try await read(["0001-a.patch": mail("[PATCH 1/3] a"), "0003-c.patch": mail("[PATCH 3/3] c", path: "c.c")])
    }
    #expect("\(error!)".contains("patch 2/3 is missing"))
  }

  @Test func backupsOfEditorsArePassedOver() async throws {
    let (series, _) = try await read([
      "0001-a.patch": mail("[PATCH] a"), "0001-a.patch~": mail("[PATCH] old"), "a.rej": "x", "#0001-a.patch#": "x",
    ])
    #expect(series.series.patches.map(\.subject) == ["a"])
    #expect(series.series.origin?.notes.count == 3)
    #expect(series.series.origin?.notes.contains { $0.contains("0001-a.patch~") } == true)
  }

  /// As git format-patch --cover-letter --interdiff writes it.
  @Test func aCoverLetterWithAnInterdiffIsNotApplied() async throws {
    let interdiff = mail("[PATCH v2 0/2] both", path: "wrong.c")
    let (series, _) = try await read([
      "v2-0000-cover-letter.patch": interdiff, "v2-0001-a.patch": mail("[PATCH v2 1/2] a"),
      "v2-0002-b.patch": mail("[PATCH v2 2/2] b", path: "b.c"),
    ])
    #expect(series.series.cover?.subject == "both")
    #expect(series.series.patches.map(\.paths) == [["a.c"], ["b.c"]])
    #expect(series.series.origin?.version == 2)
  }

  @Test func unpaddedNumbersAreInOrder() async throws {
    let numbers = 1...11
    let files = numbers.map { ("\($0).eml", mail("[PATCH] p\($0)", path: "\($0).c")) }
    let (series, _) = try await read(Dictionary(uniqueKeysWithValues: files))
    #expect(series.series.patches.map(\.subject) == numbers.map { "p\($0)" })
  }

  /// A series on top of another one, put into one directory by hand.
  @Test func twoSeriesInOneDirectoryApplyInTheOrderOfTheFiles() async throws {
    let files = [
      "1.patch": mail("[PATCH 1/2] a1", path: "1.c"), "2.patch": mail("[PATCH 2/2] a2", path: "2.c"),
      "3.patch": mail("[PATCH v2 1/1] b", path: "3.c"), "4.patch": mail("[PATCH] c", path: "4.c"),
    ]
    let (series, _) = try await read(files)
    #expect(series.series.patches.map(\.subject) == ["a1", "a2", "b", "c"])
    await #expect(throws: IntakeError.self) { _ = try await read(files.filter { $0.key != "2.patch" }) }
  }

  /// Such mails come from lists that encode what the sender wrote with CRLF.
  @Test func returnsInsideBase64AreStripped() async throws {
    let whole = mail("[PATCH] x")
    let body = whole[whole.range(of: "\n\n")!.upperBound...].replacing("\n", with: "\r\n")
    let encoded = Data(body.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    let (series, scratch) = try await read([
      "m.eml":
        "From: A <a@example.org>\nSubject: [PATCH] x\nMIME-Version: 1.0\n"
        + "Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n\n\(encoded)\n"
    ])
    let diff = try withExtendedLifetime(scratch) {
      try Data(contentsOf: URL(filePath: series.diffs[0].string))
    }
    #expect(!diff.contains(0x0d))
  }

  @Test func theClaimsOfASeriesAreKept() async throws {
    let text = mail("[PATCH v4] x").replacingOccurrences(
      of: "-- \n",
      with: """
        base-commit: abc123
        prerequisite-patch-id: def456
        prerequisite-message-id: <m@example.org>
        prerequisite-change-id: 2026-y:v2
        change-id: 2026-x-1
        -- 

        """)
    let (series, _) = try await read(["a.patch": text])
    let origin = try #require(series.series.origin)
    #expect(origin.version == 4)
    #expect(origin.date == "Mon, 2 Nov 2026 10:00:00 +0000")
    #expect(origin.baseCommit == "abc123")
    #expect(origin.changeID == "2026-x-1")
    #expect(
      origin.prerequisites == [
        Prerequisite(kind: .patchID, id: "def456"), Prerequisite(kind: .messageID, id: "m@example.org"),
        Prerequisite(kind: .changeID, id: "2026-y:v2"),
      ])
    #expect(origin.notes.isEmpty)
  }

  @Test(arguments: [String.Encoding.utf16LittleEndian, .utf16BigEndian]) func textInUTF16IsConverted(
    _ encoding: String.Encoding
  ) async throws {
    let scratch = try Scratch()
    let file = try scratch.write("a.diff", "")
    let text = "\u{feff}" + mail("[PATCH] für x").replacing("\n", with: "\r\n")
    try text.data(using: encoding)!.write(to: URL(filePath: file.string))
    let source = try SeriesForms.find([file.string])[0]
    let read = try await source.read(into: scratch.path.appending("out"), cage: nil)
    #expect(read.series.patches.map(\.subject) == ["für x"])
    #expect(read.series.origin?.notes == ["a.diff was converted from UTF-16"])
    let diff = try String(contentsOfFile: read.diffs[0].string, encoding: .utf8)
    #expect(diff.contains("+hello\n"))
  }

  @Test(arguments: ["no patch".data(using: .utf16)!, Data([0xff, 0xfe, 0x2d]), Data([0xfe, 0xff, 0xd8, 0])])
  func otherTextInUTF16IsRefused(_ bytes: Data) async throws {
    let scratch = try Scratch()
    let file = try scratch.write("a.diff", "")
    try bytes.write(to: URL(filePath: file.string))
    let source = try SeriesForms.find([file.string])[0]
    await #expect(throws: IntakeError.utf16(file.string)) {
      try await source.read(into: scratch.path.appending("out"), cage: nil)
    }
  }

  @Test func aRevertIsAPatch() async throws {
    let (series, _) = try await read(["0001-revert.patch": mail("[PATCH] Revert \"a: b\"")])
    #expect(series.series.patches.map(\.subject) == ["Revert \"a: b\""])
  }

  @Test func ofTwoMailsWithOneSubjectTheLaterOneIsTaken() async throws {
    let (series, _) = try await read([
      "0001-typo.patch": mail("[PATCH] typo", path: "1.c"),
      "0002-typo.patch": mail("[PATCH] typo", path: "2.c").replacing("10:00:00", with: "11:00:00"),
    ])
    #expect(series.series.patches.map(\.paths) == [["2.c"]])
    #expect(
      series.series.origin?.notes == [
        "passed over: “typo” (0001-typo.patch), which has the same subject as 0002-typo.patch; if both are patches of "
          + "the series, number them: [PATCH 1/2]"
      ])
  }

  @Test func formatPatchFilesWithACoverLetter() async throws {
    let (series, scratch) = try await read([
      "0000-cover-letter.patch": coverLetter, "0001-first.patch": mail("[PATCH 1/2] first"),
      "0002-second.patch": mail("[PATCH 2/2] second", path: "drivers/b.c"),
    ])
    #expect(series.series.cover?.subject == "one answer")
    #expect(series.series.cover?.body.hasPrefix("What it answers.") == true)
    #expect(series.series.patches.map(\.subject) == ["first", "second"])
    #expect(series.series.patches.map(\.author) == Array(repeating: "A U Thor <author@example.org>", count: 2))
    #expect(series.series.patches.map(\.file) == ["0001-first.patch", "0002-second.patch"])
    #expect(series.series.patches.map(\.paths) == [["a.c"], ["drivers/b.c"]])
    #expect(series.diffs.count == 2)
    withExtendedLifetime(scratch) {
      for diff in series.diffs { #expect(FileManager.default.fileExists(atPath: diff.string)) }
    }
  }

  @Test func anMboxHoldsSeveralPatches() async throws {
    let (series, _) = try await read([
      "all.mbox": coverLetter + mail("[PATCH 1/2] first") + mail("[PATCH 2/2] second")
    ])
    #expect(series.series.patches.map(\.file) == ["all.mbox#2", "all.mbox#3"])
    #expect(series.series.patches.map(\.subject) == ["first", "second"])
  }

  @Test func encodedMailsAreDecoded() async throws {
    // The format of list archives: base64 bodies, RFC 2047 subjects.
    let whole = mail("[PATCH] x")
    let body = whole[whole.range(of: "\n\n")!.upperBound...]
    let encoded = Data(body.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    let (series, _) = try await read([
      "0001.eml": """
      From: =?utf-8?q?Christian_K=C3=B6nig?= <ck@example.org>
      Date: Mon, 2 Nov 2026 10:00:00 +0000
      Subject: [Linaro-mm-sig] [PATCH v3 1/1] =?utf-8?b?w6R0eg==?=
      MIME-Version: 1.0
      Content-Type: text/plain; charset="utf-8"
      Content-Transfer-Encoding: base64

      \(encoded)

      """
    ])
    #expect(series.series.patches.map(\.author) == ["Christian König <ck@example.org>"])
    #expect(series.series.patches.map(\.subject) == ["ätz"])
    #expect(series.series.patches.map(\.paths) == [["a.c"]])
  }

  @Test func aBareDiffIsAPatchNamedByItsFile() async throws {
    let diff = String(mail("x").drop { $0 != "\n" })
    let start = diff.range(of: "diff --git")!.lowerBound
    let (series, _) = try await read(["fix.diff": String(diff[start...])])
    #expect(series.series.patches.map(\.subject) == ["fix.diff"])
    #expect(series.series.patches.map(\.paths) == [["a.c"]])
  }

  /// Measured in Unicode scalars: the whole subject may be one letter with endless accents.
  @Test func aSubjectWithoutEndIsCut() async throws {
    let (series, _) = try await read(["0001-a.patch": mail("[PATCH] e" + String(repeating: "\u{301}", count: 9000))])
    #expect(series.series.patches.map { $0.subject.unicodeScalars.count } == [501])
    let (short, _) = try await read(["0001-a.patch": mail("[PATCH] " + String(repeating: "x", count: 500))])
    #expect(short.series.patches.map(\.subject) == [String(repeating: "x", count: 500)])
  }

  /// git lists only the new name, but a file that is moved away from under the build is touched too.
  @Test func whatIsMovedAwayIsTouched() async throws {
    let (series, _) = try await read([
      "move.diff": """
      diff --git a/drivers/dma-buf/dma-buf.c b/Documentation/dma-buf.txt
      similarity index 100%
      rename from drivers/dma-buf/dma-buf.c
      rename to Documentation/dma-buf.txt

      """
    ])
    #expect(series.series.patches.map(\.paths) == [["Documentation/dma-buf.txt", "drivers/dma-buf/dma-buf.c"]])
  }

  @Test(arguments: ["../evil.c", "drivers/../../evil.c", ".git/hooks/post-checkout", "a/.GIT/config"])
  func aPathThatLeavesTheTreeIsRefused(_ path: String) async throws {
    await #expect(throws: IntakeError.self) {
      _ = try await read(["0001-evil.patch": mail("[PATCH] evil", path: path)])
    }
  }

  @Test(arguments: [
    "not a patch at all\n", "", "\0\0\0\u{1}binary", "From: a@example.org\nSubject: [PATCH] empty\n\nnothing\n",
  ])
  func aFileWithoutAPatchIsRefused(_ text: String) async throws {
    await #expect(throws: IntakeError.self) {
      _ = try await read(["0001-ok.patch": mail("[PATCH] ok"), "0002-bad.patch": text])
    }
  }

  @Test func aDamagedDiffIsRefused() async throws {
    let damaged = mail("[PATCH] a").replacingOccurrences(of: "@@ -0,0 +1 @@", with: "@@ -0,0 +1,7 @@")
    await #expect(throws: IntakeError.self) { _ = try await read(["0001-a.patch": damaged]) }
  }

  @Test func aCoverLetterAloneIsNoSeries() async throws {
    await #expect(throws: IntakeError.self) { _ = try await read(["0000-cover-letter.patch": coverLetter]) }
  }

  @Test func anIntakeErrorIsOneLineThatNamesTheFile() async throws {
    do {
      _ = try await read(["0001-evil.patch": mail("[PATCH] evil", path: "../evil.c")])
      Issue.record("it was read")
    } catch {
      #expect("\(error)".contains("0001-evil.patch"))
      #expect("\(error)".contains("../evil.c"))
      #expect(!"\(error)".contains("\n"))
    }
  }
}
