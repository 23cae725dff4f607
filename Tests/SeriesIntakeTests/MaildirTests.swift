// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct MaildirTests {
  private let scratch = try! Scratch()

  private func read(_ path: String) async throws -> PatchSeries {
    let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)
    let found = try SeriesForms.find([scratch.path.pushing(FilePath(path)).string])
    return try await #require(found.first).read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
  }

  /// A mail as it is in a folder: without the line that separates mails in an mbox.
  private func stored(_ mail: String) -> String { String(mail[mail.range(of: "\n")!.upperBound...]) }

  @Test func aThreadInAMaildir() async throws {
    try scratch.write("in/m/cur/2.host:2,S", stored(archived("[PATCH 2/2] b", id: "2", answers: "1", path: "b.c")))
    try scratch.write("in/m/cur/10.host:2,S", stored(archived("[PATCH 1/2] a", id: "1")))
    try scratch.write("in/m/new/3.host", stored(archived("Re: [PATCH 1/2] a", id: "3", answers: "1", text: "Good.\n")))
    try scratch.write("in/m/tmp/4.host", "half a mail")
    try scratch.write("in/m/dovecot-uidlist", "3\n")
    for path in ["in/m", "in"] {
      let series = try await read(path)
      #expect(series.name == "m")
      #expect(series.patches.map(\.subject) == ["a", "b"])
      #expect(series.origin?.notes == ["passed over: 1 reply"])
      try FileManager.default.removeItem(atPath: scratch.path.appending("out").string)
    }
  }

  @Test func whatTheUserThrewAwayIsNotRead() async throws {
    try scratch.write("m/cur/1.host:2,S", stored(archived("[PATCH] one", id: "1", path: "1.c")))
    try scratch.write("m/cur/2.host:2,ST", stored(archived("[PATCH v2] one", id: "2", path: "2.c")))
    #expect(try await read("m").patches.map(\.paths) == [["1.c"]])
  }

  @Test func oneFolderIsEnough() async throws {
    try scratch.write("m/new/1.eml", mail("[PATCH] a"))
    #expect(try await read("m").patches.map(\.subject) == ["a"])
  }

  @Test func directoriesOfSeriesAreNoMaildir() throws {
    try scratch.write("s/new/0001-a.patch", mail("[PATCH] a"))
    try scratch.write("s/old/0001-a.patch", mail("[PATCH] a"))
    #expect(try SeriesForms.find([scratch.path.appending("s").string]).map(\.name) == ["new", "old"])
  }

  @Test func anEmptyFolderIsRefused() throws {
    try FileManager.default.createDirectory(
      atPath: scratch.path.pushing("m/new").string, withIntermediateDirectories: true)
    let path = scratch.path.appending("m").string
    #expect(throws: IntakeError.empty(path)) { try SeriesForms.find([path]) }
  }
}
