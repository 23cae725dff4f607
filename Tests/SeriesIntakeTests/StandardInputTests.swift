// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import SeriesIntake

@Suite struct StandardInputTests {
  private let scratch = try! Scratch()

  private func series(_ text: String) throws -> any SeriesSource {
    let file = try scratch.write("input", text)
    let form = StandardInput(input: try FileHandle(forReadingFrom: URL(filePath: file.string)))
    return try #require(try form.find(SeriesArgument("-"))?.first)
  }

  @Test func aMailboxCanBeReadSeveralTimes() async throws {
    let source = try series(mail("[PATCH 2/2] b", path: "b.c") + mail("[PATCH 1/2] a"))
    for out in ["one", "two"] {
      let read = try await source.read(into: scratch.path.appending(out), cage: nil)
      #expect(read.series.patches.map(\.subject) == ["a", "b"])
      #expect(read.series.patches.map(\.file) == ["stdin#2", "stdin"])
      #expect(read.series.path == "-")
      let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path.appending(out).string)
      #expect(left.sorted() == ["0001.diff", "0002.diff"])
    }
  }

  @Test func anErrorNamesTheInput() async throws {
    let source = try series("no patch\n")
    let error = await #expect(throws: IntakeError.self) {
      _ = try await source.read(into: scratch.path.appending("out"), cage: nil)
    }
    #expect(error?.description.hasPrefix("standard input: ") == true)
    #expect(throws: IntakeError.empty("standard input")) { try series("") }
  }

  @Test func otherArgumentsAreNotStandardInput() throws {
    for text in ["./-", "--", ""] {
      let found = try StandardInput().find(SeriesArgument(text))
      #expect(found?.count == nil)
    }
  }
}
