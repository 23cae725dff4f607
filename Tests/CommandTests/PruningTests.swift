// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import History
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import Bench
@testable import patchbench

@Suite("Nights are pruned, and their history stays as their records say") struct PruningTests {
  private let scratch: Scratch
  private var state: FilePath { scratch.path.appending("state") }
  private static let day = 86_400.0
  private static let cell = Cell(
    kernel: "linux-6.12", profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
  /// How many days ago each night was, and its series; those that end with ! fail a test.
  private static let nights: [(days: Double, series: [String])] = [
    (100, ["s-v1", "w!", "gone"]), (60, ["s-v1", "w!"]), (20, ["s-v2", "w"]), (1, ["s-v2", "w"]),
  ]

  init() async throws {
    scratch = try Scratch()
    for (index, night) in Self.nights.enumerated() { try Self.write(index, night.days, night.series, in: state) }
    // The user's own.
    try Self.writeRun(scratch.path.appending("own"), 200, ["s-v1"])
    let runs = (0..<Self.nights.count).map { Self.run($0, in: state) } + [scratch.path.appending("own")]
    _ = try await HistoryRuns.add(runs, to: state)
  }

  private static func run(_ index: Int, in state: FilePath) -> FilePath {
    Night.place(state).appending("night-\(index)").appending("linux-6.12-kasan")
  }

  private static func write(_ index: Int, _ days: Double, _ series: [String], in state: FilePath) throws {
    let run = run(index, in: state)
    try writeRun(run, days, series)
    let began = Date(timeIntervalSinceNow: -days * day)
    var night = Night(matrix: "/m.yaml", number: index + 1, began: began, runs: ["linux-6.12-kasan"], left: [])
    night.isOver = true
    try night.write(in: run.removingLastComponent())
  }

  private static func writeRun(_ run: FilePath, _ days: Double, _ series: [String]) throws {
    let manager = FileManager.default
    let names = series.map { $0.replacing("!", with: "") }
    for evidence in [run.appending("base")] + names.map({ run.appending("series").appending($0) }) {
      try manager.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
      try Data(repeating: 0x58, count: 10_000).write(to: URL(filePath: evidence.appending("console.log").string))
    }
    for name in names {
      let diff = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-old\n+\(name)\n"
      let file = run.appending("series").appending(name).appending("0001.diff")
      try Data(diff.utf8).write(to: URL(filePath: file.string))
    }
    func result(_ status: TestStatus) -> TrialResult {
      .ran(
        GuestRun(
          release: "6.12.1", accelerator: .tcg, ending: .completed, booted: true,
          tests: [TestResult(name: "a/x", status: status)], reports: [], anomalies: [], lastLines: []))
    }
    let header = RunHeader(
      cell: cell,
      versions: RunHeader.Versions(source: "src", toolchain: "gcc", emulator: "QEMU", patchbench: "1"),
      accelerator: .tcg, reason: "", processors: 2, series: names.map { PatchSeries(name: $0, patches: []) })
    let record = try EventRecorder(run.appending("events.jsonl"))
    let began = Date(timeIntervalSinceNow: -days * day)
    func take(_ kind: BenchEvent.Kind) throws { try record.take(BenchEvent(at: began, kind: kind)) }
    func trial(_ name: String?, _ result: TrialResult) -> BenchEvent.Kind {
      .trialFinished(Trial(series: name, cell: cell, seconds: [.tests: 7], reused: false, result: result))
    }
    try take(.runStarted(header))
    try take(trial(nil, result(.ok)))
    for (name, text) in zip(names, series) { try take(trial(name, result(text.hasSuffix("!") ? .notOk : .ok))) }
    try take(.runFinished(interrupted: false))
    try ReportFiles.renewLinks(in: RunDirectory(run))
  }

  private func isThere(_ index: Int, _ name: String) -> Bool {
    FileManager.default.fileExists(atPath: Self.run(index, in: state).pushing(FilePath(name)).string)
  }

  /// All that the history has, as it prints it.
  private func said(_ state: FilePath) throws -> [String] {
    let store = try HistoryStore(in: state)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func text(_ value: some Encodable) throws -> String { String(decoding: try encoder.encode(value), as: UTF8.self) }
    var said = [try text(store.bases(of: "linux-6.12"))]
    for kind in HistoryStore.Kind.allCases { said += try store.all(kind) }
    for name in try store.all(.series) {
      said += try store.trials(of: name).map(text)
      said += try store.keptRuns().map { try text(store.patches(ofRun: $0.number)) }
    }
    for name in try store.all(.test) { said.append(try text(store.test(name))) }
    return said
  }

  /// Makes the history again, in another state directory, from what is left.
  private func rebuilt() async throws -> [String] {
    var rows: [RunRow] = []
    for run in HistoryStore.listed(in: state) {
      rows += try await HistoryRuns.row(of: FilePath(run)).map { [$0] } ?? []
    }
    let again = scratch.path.appending("again")
    try HistoryStore.rebuild(in: again, from: rows)
    return try said(again)
  }

  private func prune(_ limits: KeepLimits) async throws -> Pruning.Outcome {
    try await Pruning(state: state, limits: limits).work()
  }

  @Test("evidence goes by age; what regresses, what is last, and the user's own stay; the rows stay the same")
  func evidence() async throws {
    let before = try said(state)
    #expect(try await rebuilt() == before)
    let limits = KeepLimits(evidence: 30 * Self.day)
    let planned = try await Pruning(state: state, limits: limits).plan().plan
    #expect(try said(state) == before)
    let outcome = try await prune(limits)
    #expect(outcome.failures.isEmpty && outcome.plan == planned && planned.bytes > 20_000)
    #expect([0, 1].map { isThere($0, "series/s-v1") } == [false, false])
    #expect([0, 1].map { isThere($0, "series/w/console.log") } == [true, true])
    #expect(isThere(0, "series/gone/console.log") && isThere(0, "base/console.log"))
    #expect(isThere(2, "series/s-v2/console.log"))
    #expect(FileManager.default.fileExists(atPath: scratch.path.pushing(FilePath("own/base")).string))
    #expect(outcome.plan.elsewhere == [scratch.path.appending("own").string])
    // Only what was asked has changed, and the records say the same.
    let after = try said(state)
    #expect(after.count == before.count)
    #expect(after.joined().count(of: "\"hasEvidence\":false") == 2)
    #expect(try await rebuilt() == after)
    // The patches are known without their diffs.
    #expect(after.joined().contains("\"s-v1\":[\""))
    let report = try String(
      contentsOfFile: Self.run(0, in: state).appending("report.html").string, encoding: .utf8)
    #expect(!report.contains("series/s-v1/") && report.contains("series/w/console.log"))
    // There is nothing left to do.
    #expect(try await prune(limits).plan.steps.isEmpty)
  }

  @Test("by size, what is protected stays; a night without evidence keeps its record and its report")
  func size() async throws {
    let outcome = try await prune(KeepLimits(size: 0))
    #expect(outcome.plan.isAboveLimit)
    #expect(outcome.plan.steps.last?.series == ["w"])
    for name in ["series", "base"] { #expect(!isThere(1, name) && isThere(0, name) && isThere(3, name)) }
    for name in ["events.jsonl", "report.html", "pruned.json"] { #expect(isThere(1, name)) }
    #expect(try await rebuilt() == said(state))
  }

  @Test("rows go by age, with their record and the empty night; what is last of a series keeps its run")
  func rows() async throws {
    let outcome = try await prune(KeepLimits(rows: 30 * Self.day))
    #expect(outcome.plan.steps.filter(\.rows).map(\.directory) == [Self.run(1, in: state).string])
    #expect(!FileManager.default.fileExists(atPath: Night.place(state).appending("night-1").string))
    #expect(isThere(0, "events.jsonl"))
    #expect(HistoryStore.listed(in: state).count == 4)
    let after = try said(state)
    #expect(try await rebuilt() == after)
  }

  @Test("a prune that was killed is brought to its end, whatever the limits are then", arguments: [false, true])
  func killed(_ rows: Bool) async throws {
    let run = Self.run(1, in: state)
    let store = try HistoryStore(in: state)
    var promise = PrunedRun()
    promise.series = try store.patches(ofRun: #require(store.keptRuns().first { $0.directory == run.string }).number)
    promise.rest = true
    promise.rows = rows
    #expect(promise.series.keys.sorted() == ["s-v1", "w"])
    try promise.write(in: run)
    try FileManager.default.removeItem(atPath: run.pushing(FilePath("series/w/console.log")).string)
    // What is promised counts, whatever is left.
    let row = try await HistoryRuns.row(of: run)
    #expect(row?.trials.map(\.hasEvidence) == (rows ? nil : [false, false, false]))
    let outcome = try await prune(KeepLimits(rows: 900 * Self.day))
    #expect(outcome.failures.isEmpty)
    #expect(!isThere(1, "series") && !isThere(1, "base"))
    #expect(isThere(1, "report.html") == !rows)
    #expect(try await rebuilt() == said(state))
  }

  @Test("two at once, and one that is stopped, lose nothing")
  func together() async throws {
    let pruning = Pruning(state: state, limits: KeepLimits(evidence: 30 * Self.day))
    let stopped = Task { try await pruning.work() }
    stopped.cancel()
    await #expect(throws: (any Error).self) { try await stopped.value }
    async let one = pruning.work()
    async let two = pruning.work()
    let both = try await [one, two]
    #expect(both.map(\.failures.isEmpty) == [true, true])
    #expect(both.map(\.plan.steps.count).sorted() == [0, 2])
    #expect(try await rebuilt() == said(state))
  }

  @Test("a run that is written to, that cannot be read, or that lies behind a link stays as it is, and that is told")
  func left() async throws {
    let claim = try RunDirectory(Self.run(0, in: state)).claim()
    defer { claim.release() }
    let damaged = Self.run(1, in: state).appending("events.jsonl")
    try Data("no event\n".utf8).write(to: URL(filePath: damaged.string))
    var outcome = try await prune(KeepLimits(evidence: 30 * Self.day))
    #expect(outcome.failures.map(\.directory) == [0, 1].map { Self.run($0, in: state).string })
    #expect(outcome.plan.steps.isEmpty)
    for index in [0, 1] { #expect(isThere(index, "series/s-v1/console.log") && isThere(index, "report.html")) }
    let night = Night.place(state).appending("night-1").string
    try FileManager.default.moveItem(atPath: night, toPath: scratch.path.appending("moved").string)
    try FileManager.default.createSymbolicLink(
      atPath: night, withDestinationPath: scratch.path.appending("moved").string)
    outcome = try await prune(KeepLimits(size: 0))
    #expect(outcome.plan.elsewhere.contains(Self.run(1, in: state).string))
    #expect(isThere(1, "series/s-v1/console.log"))
  }

  @Test("the nights of another matrix stay, and so does one that is at work")
  func others() async throws {
    let limits = KeepLimits(evidence: 0, size: 0, rows: 0)
    #expect(try await Pruning(state: state, limits: limits, matrix: "/other.yaml").work().plan.steps.isEmpty)
    let place = Self.run(1, in: state).removingLastComponent()
    var night = try #require(Night(in: place))
    night.isOver = false
    try night.write(in: place)
    let claim = try await Night.claim("/m.yaml", in: state)
    defer { claim.release() }
    _ = try await Pruning(state: state, limits: limits, matrix: "/m.yaml").work()
    #expect(isThere(1, "series/s-v1/console.log") && isThere(3, "series/w/console.log"))
    #expect(!isThere(2, "series"))
  }

  @Test("the newest night is the one with the highest number, though the clock was set back")
  func clock() throws {
    var nights = Night.all(in: state)
    #expect(Night.newest(of: "/m.yaml", nights)?.name == "night-3")
    nights["night-1"]?.number = 9
    #expect(Night.newest(of: "/m.yaml", nights)?.name == "night-1")
    // Old files have no number.
    for name in nights.keys { nights[name]?.number = nil }
    #expect(Night.newest(of: "/m.yaml", nights)?.name == "night-3")
    #expect(Night.newest(of: "/other.yaml", nights) == nil)
  }
}

extension String {
  fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
