// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Bench
@testable import patchbench

@Suite("Resuming what is complete") struct CompleteRunTests {
  private let scratch: Scratch
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  init() throws {
    scratch = try Scratch()
    for name in ["results/one", "results/two"] {
      try scratch.write(
        "\(name)/plan.json",
        """
        {"format": 1, "kernel": "linux-6.12", "profile": "kasan", "series": [], "tests": [], "repeats": 1,
         "retries": 0, "accelerator": "tcg", "fresh": false, "keepsMemory": false, "cache": "/nowhere"}
        """)
      try FileManager.default.copyItem(
        atPath: Self.tests.appending(path: "BenchTests/Fixtures/record-1.jsonl").path,
        toPath: scratch.path.pushing(FilePath("\(name)/events.jsonl")).string)
    }
  }

  /// Every file below `results`, with its content and the time of its last change.
  private func files() throws -> [String: [String]] {
    let root = scratch.path.appending("results")
    return try Dictionary(
      uniqueKeysWithValues: FileManager.default.subpathsOfDirectory(atPath: root.string).map { name in
        let path = root.pushing(FilePath(name)).string
        let facts = try FileManager.default.attributesOfItem(atPath: path)
        let date = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return (name, facts[.type] as? FileAttributeType == .typeDirectory ? [] : ["\(date)", text])
      })
  }

  private func resume(_ name: String) async throws {
    let command = try ResumeCommand.parse([
      scratch.path.pushing(FilePath(name)).string, "--quiet", "--cache", scratch.path.appending("cache").string,
      "--home",
      Self.tests.deletingLastPathComponent().path,
    ])
    defer { Output.level = .usual }
    // The run's exit status.
    await #expect(throws: ExitCode.self) { try await command.run() }
  }

  @Test("a run keeps every file, alone or below a directory")
  func isKept() async throws {
    for name in ["one", "two"] {
      let run = RunDirectory(scratch.path.pushing(FilePath("results/\(name)")))
      #expect(try ReportFiles.kept(in: run) == nil)
      _ = try await ReportFiles.write(run)
      #expect(try ReportFiles.kept(in: run) != nil)
    }
    let before = try files()
    #expect(before.keys.count { $0.hasSuffix("/report.html") } == 2)
    try await resume("results/one")
    #expect(try files() == before)
    try await resume("results")
    #expect(try files() == before)
  }

  @Test("a run whose reports were not written gets them, and the others keep theirs")
  func isNotWritten() async throws {
    let one = RunDirectory(scratch.path.pushing("results/one"))
    _ = try await ReportFiles.write(one)
    let before = try files().filter { $0.key.hasPrefix("one") }
    try await resume("results")
    #expect(try files().filter { $0.key.hasPrefix("one") } == before)
    #expect(try ReportFiles.kept(in: RunDirectory(scratch.path.pushing("results/two"))) != nil)
  }

  @Test("reports from before a run was resumed are not those of the whole run")
  func isStale() throws {
    let started = Date(timeIntervalSince1970: 0)
    let events = try EventRecord.read(scratch.path.pushing("results/one/events.jsonl"))
    #expect(RunRecord(events)?.reportSeconds != nil)
    let resumed = [BenchEvent.Kind.runResumed, .runFinished(interrupted: false)]
    #expect(RunRecord(events + resumed.map { BenchEvent(at: started, kind: $0) })?.reportSeconds == nil)
  }
}
