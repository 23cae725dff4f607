// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import SeriesIntake

@Suite struct PackingTests {
  private let scratch = try! Scratch()
  private let limits = ToolLimits(time: .seconds(60), memory: 1 << 30, processes: 100, disk: 1 << 30)

  /// Packs a file, which then has a name that says nothing.
  private func packed(_ text: String, with tool: String, _ ending: String) async throws -> FilePath {
    let file = try scratch.write("in/x", text)
    _ = try await Tool(tool, ["--", file.string]).output()
    let result = scratch.path.pushing("in/thread")
    try FileManager.default.moveItem(atPath: file.string + ending, toPath: result.string)
    return result
  }

  @Test(arguments: [("gzip", ".gz"), ("xz", ".xz")])
  func aCompressedMailboxIsUnpacked(_ tool: String, _ ending: String) async throws {
    let file = try await packed(mail("[PATCH 1/2] a") + mail("[PATCH 2/2] b", path: "b.c"), with: tool, ending)
    for path in [file, file.removingLastComponent()] {
      let source = try #require(try SeriesForms.find([path.string]).first)
      let series = try await source.read(into: scratch.path.appending("out"), cage: Cage.find(limits)).series
      #expect(series.patches.map(\.subject) == ["a", "b"])
      #expect(series.patches.map(\.file) == ["thread", "thread#2"])
      try FileManager.default.removeItem(atPath: scratch.path.appending("out").string)
    }
  }

  @Test(arguments: [("gzip", ".gz"), ("xz", ".xz")], [true, false])
  func whatIsTooLargeUnpackedIsRefused(_ packing: (tool: String, ending: String), _ isCaged: Bool) async throws {
    let file = try await packed(String(repeating: "0", count: 1 << 20), with: packing.tool, packing.ending)
    let place = scratch.path.appending("place")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let cage = isCaged ? try await Cage.find(limits) : nil
    let head = try Data(contentsOf: URL(filePath: file.string))
    let found = try #require(Packing(head))
    await #expect(throws: IntakeError.tooMuch("thread", "more than 0 MiB when unpacked")) {
      try await found.unpack(file, label: "thread", in: place, most: 1 << 19, cage)
    }
  }

  @Test func aDamagedFileIsRefused() async throws {
    let file = scratch.path.appending("x")
    try Data([0x1f, 0x8b, 8, 0, 1, 2, 3]).write(to: URL(filePath: file.string))
    let source = try #require(try SeriesForms.find([file.string]).first)
    await #expect(throws: IntakeError.unreadable(file.string, reason: "gzip cannot unpack it")) {
      try await source.read(into: scratch.path.appending("out"), cage: nil)
    }
  }
}
