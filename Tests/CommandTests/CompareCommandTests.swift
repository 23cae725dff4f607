// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Verdicts

@testable import patchbench

@Suite("patchbench compare, and the series that report tells of") struct CompareCommandTests {
  private let scratch = try! Scratch()
  private static let failure = TrialResult.doesNotBuild(BuildFailure(diagnostics: [], tail: ["x.c:1: error"]))

  /// Writes the record of a run of one series.
  private func write(_ name: String, _ series: String, _ result: TrialResult, profile: String = "kasan") throws {
    let cell = Cell(
      kernel: "linux-6.12", profile: profile, architecture: "x86_64", toolchain: "gcc", extent: .build, guest: "q35")
    let header = RunHeader(
      cell: cell, versions: RunHeader.Versions(source: "s", toolchain: "gcc", emulator: "q", patchbench: "1"),
      accelerator: .tcg, reason: "r", processors: 1, series: [PatchSeries(name: series, patches: [], path: series)])
    func trial(_ name: String?, _ result: TrialResult) -> Trial {
      Trial(series: name, cell: cell, seconds: StageSeconds(), reused: false, result: result)
    }
    try scratch.write("\(name)/lock", "")
    let recorder = try EventRecorder(scratch.path.pushing(FilePath("\(name)/events.jsonl")))
    for kind: BenchEvent.Kind in [
      .runStarted(header), .trialFinished(trial(nil, .built)), .trialFinished(trial(series, result)),
      .runFinished(interrupted: false),
    ] {
      try recorder.take(BenchEvent(at: Date(timeIntervalSince1970: 0), kind: kind))
    }
  }

  private func path(_ name: String) -> String { scratch.path.pushing(FilePath(name)).string }

  private func compare(_ then: String, _ now: String, _ options: String...) throws -> CompareCommand {
    try CompareCommand.parse([path(then), path(now)] + options)
  }

  @Test("the exit status says whether something got worse") func statuses() throws {
    try write("v3", "x-v3", .sameCode)
    try write("v4", "x-v4", Self.failure)
    try compare("v3", "v3").run()
    try compare("v4", "v3").run()
    #expect(throws: ExitCode(1)) { try compare("v3", "v4").run() }
    #expect(throws: ExitCode(1)) { try compare("v3", "v4", "--json").run() }
    let seen = try compare("v3", "v4").difference().cells[0].series[0]
    #expect((seen.then.name, seen.now.name) == ("x-v3", "x-v4"))
    #expect((seen.then.verdict, seen.now.verdict) == (.clean, .doesNotBuild))
  }

  @Test("what was not judged cannot be compared") func undecided() throws {
    try write("v3", "x", .sameCode)
    try write("v4", "x", .interrupted)
    #expect(throws: ExitCode(3)) { try compare("v3", "v4").run() }
  }

  @Test("several runs are compared profile by profile") func matrices() throws {
    for (name, result) in [("then", TrialResult.sameCode), ("now", Self.failure)] {
      try write("\(name)/kasan", "x", .sameCode)
      try write("\(name)/nommu", "x", result, profile: "nommu")
      try RecordedMatrix(runs: ["kasan", "nommu"], gaps: []).write(in: FilePath(path(name)))
    }
    let cells = try compare("then", "now").difference().cells
    #expect(cells.map(\.now.profile) == ["kasan", "nommu"] && cells.map(\.gotWorse) == [false, true])
    #expect(throws: ExitCode(1)) { try compare("then", "now").run() }
    // One of them alone against all.
    try compare("then/kasan", "now").run()
  }

  @Test("a path that is no run is named, with what to do") func noRun() throws {
    try write("v3", "x", .sameCode)
    try scratch.write("empty/events.jsonl", "")
    try scratch.write("other/file", "")
    for (name, words, status) in [
      ("nothing", "does not exist", Int32(2)), ("other", "is not a run: it has no events.jsonl", 2),
      ("empty", "the run ended before anything was tested", 3),
    ] {
      for (then, now) in [("v3", name), (name, "v3")] {
        let failure = try #require(#expect(throws: Failure.self) { try compare(then, now).run() })
        #expect(failure.message.contains(words) && failure.message.contains(name))
        #expect(failure.status == status && failure.advice?.isEmpty == false && !failure.message.contains("\n"))
      }
    }
    #expect(throws: (any Error).self) { try CompareCommand.parse([path("v3")]) }
  }

  @Test("report tells of the series that are named, and of no other") func report() async throws {
    try write("v3", "x", .sameCode)
    try await ReportCommand.parse([path("v3"), "--format", "mail", "--series", "x"]).run()
    let failure = try #require(
      await #expect(throws: Failure.self) { try await ReportCommand.parse([path("v3"), "--series", "y"]).run() })
    #expect(failure.status == 2 && failure.advice == "its series: x")
  }

  @Test("the digest of a series' patches is that of their diffs, if all are there") func patchsets() async throws {
    try write("v3", "x", .sameCode)
    let run = RunDirectory(FilePath(path("v3")))
    var record = try #require(try run.record())
    let patch = Patch(subject: "s", author: "a", file: "1.patch", paths: [])
    record.header.series[0].patches = [patch, patch]
    try scratch.write("v3/series/x/0001.diff", "one\n")
    #expect(try await ReportFiles.patchsets(in: run, of: record) == [:])
    try scratch.write("v3/series/x/0002.diff", "two\n")
    // printf 'one\n' >1.diff; printf 'two\n' >2.diff; sha256sum *.diff | cut -c-64 | sha256sum
    let digest = "a50bf38ac5895077796ec5aaebcc94163ceb75563de42cf017e749178f4ad333"
    #expect(try await ReportFiles.patchsets(in: run, of: record) == ["x": digest])
  }
}
