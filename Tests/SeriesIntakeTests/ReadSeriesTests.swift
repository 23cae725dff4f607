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
