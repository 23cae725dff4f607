// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import SystemPackage
import TestSupport
import Testing

@testable import Bench

@Suite struct RecordTests {
  private static let cell = Cell(
    kernel: "linux-6.12", profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
  private static let header = RunHeader(
    cell: cell,
    versions: RunHeader.Versions(source: "Debian", toolchain: "gcc", emulator: "QEMU", patchbench: "test"),
    accelerator: .tcg, reason: "asked for", processors: 2,
    series: [PatchSeries(name: "s", patches: [Patch(subject: "x", author: "a", file: "f", paths: ["p"])])])
  private static let trial = Trial(
    series: "s", cell: cell, seconds: StageSeconds([.apply: 1]), reused: false,
    result: .doesNotApply(ApplyFailure(patch: header.series[0].patches[0], file: "p", hunk: 2, message: "no")))

  @Test func whatIsRecordedIsReadBack() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    let events = [
      BenchEvent.Kind.runStarted(Self.header), .trialFinished(Self.trial), .runFinished(interrupted: false),
    ]
    .enumerated().map { BenchEvent(at: Date(timeIntervalSince1970: Double($0.offset)), kind: $0.element) }
    let recorder = try EventRecorder(path)
    for event in events { try recorder.take(event) }
    #expect(try EventRecord.read(path) == events)
    let record = try #require(RunRecord(try EventRecord.read(path)))
    #expect(record.trials["s"] == Self.trial)
    #expect(!record.interrupted)
  }

  /// Earlier versions kept only the ids of prerequisites, and nothing of the choice of the base.
  @Test func whatAnEarlierVersionWroteIsRead() throws {
    var origin = SeriesOrigin()
    origin.prerequisites = [Prerequisite(kind: .patchID, id: "1234"), Prerequisite(kind: nil, id: "5678")]
    let text = try JSONEncoder().encode(origin)
    #expect(try JSONDecoder().decode(SeriesOrigin.self, from: text) == origin)
    let old = try JSONDecoder().decode(
      SeriesOrigin.self, from: Data(#"{"prerequisites":["1234","m@example.org"],"notes":[]}"#.utf8))
    #expect(old.prerequisites == [Prerequisite(kind: nil, id: "1234"), Prerequisite(kind: nil, id: "m@example.org")])
    var header = Self.header
    let before = try JSONEncoder().encode(header)
    #expect(!String(decoding: before, as: UTF8.self).contains("choice"))
    #expect(try JSONDecoder().decode(RunHeader.self, from: before) == header)
    header.choice = BaseChoice(reason: .named, revision: "v1")
    header.fits = ["s": BaseFit(exact: 1, told: 2)]
    #expect(try JSONDecoder().decode(RunHeader.self, from: JSONEncoder().encode(header)) == header)
  }

  @Test func aRecordThatBreaksOffIsARunThatWasInterrupted() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    let recorder = try EventRecorder(path)
    try recorder.take(BenchEvent(at: Date(timeIntervalSince1970: 1), kind: .runStarted(Self.header)))
    try recorder.take(BenchEvent(at: Date(timeIntervalSince1970: 2), kind: .trialFinished(Self.trial)))
    // A crash in the middle of a line.
    var bytes = try Data(contentsOf: URL(filePath: path.string))
    bytes += Data(#"{"at":4,"kind":{"runFin"#.utf8)
    try bytes.write(to: URL(filePath: path.string))
    let record = try #require(RunRecord(try EventRecord.read(path)))
    #expect(record.interrupted)
    #expect(record.trials.count == 1)
  }

  @Test(arguments: [
    (#"{"at":3,"kind":{"somethingNewer":{}},"version":2}"#, UnreadableRecord.Reason.noEvent),
    (#"{"at":3,"kind":{"somethingNewer":{}}}"#, .noEvent), ("", .noEvent), ("{", .noEvent),
    (#"{"at":3,"kind":{"somethingNewer":{}},"version":3}"#, .newer(3)),
    (#"{"at":3,"kind":{"runResumed":{}},"run":"another","version":2}"#, .otherRun),
  ]) func aLineThatCannotBeReadIsNamed(_ line: String, _ reason: UnreadableRecord.Reason) throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    let recorder = try EventRecorder(path)
    try recorder.take(BenchEvent(at: Date(timeIntervalSince1970: 1), kind: .runStarted(Self.header)))
    let file = try FileDescriptor.open(path, .writeOnly, options: .append)
    try file.closeAfter { _ = try file.writeAll((line + "\n").utf8) }
    try recorder.take(BenchEvent(at: Date(timeIntervalSince1970: 4), kind: .runFinished(interrupted: false)))
    let error = #expect(throws: UnreadableRecord.self) { try EventRecord.read(path) }
    #expect(error == UnreadableRecord(path: path.string, line: 2, reason: reason))
  }

  @Test func allLinesOfARecordNameItsRun() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    // A resumed run opens it again like this.
    for kind in [BenchEvent.Kind.runStarted(Self.header), .runResumed, .runFinished(interrupted: false)] {
      try EventRecorder(path).take(BenchEvent(at: Date(), kind: kind))
    }
    struct Line: Decodable { var run: String }
    let lines = try Data(contentsOf: URL(filePath: path.string)).split(separator: 0x0a)
    let runs = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0)).run }
    #expect(runs.count == 3)
    #expect(Set(runs).count == 1)
    let other = scratch.path.appending("other.jsonl")
    try EventRecorder(other).take(BenchEvent(at: Date(), kind: .runStarted(Self.header)))
    let another = try JSONDecoder().decode(Line.self, from: Data(contentsOf: URL(filePath: other.string)))
    #expect(another.run != runs[0])
  }

  /// A record of version 1, as patchbench wrote it in November 2026.
  @Test func anOldRecordIsRead() throws {
    let path = FilePath(#filePath).removingLastComponent().appending("Fixtures/record-1.jsonl")
    let record = try #require(RunRecord(try EventRecord.read(path)))
    #expect(!record.interrupted)
    #expect(record.header.cell.kernel == "linux-6.12")
    guard case .ran(let run) = record.trials["pin"]?.result else {
      Issue.record("no trial of the series")
      return
    }
    #expect(run.tests.count == 10)
    #expect(run.tests.count { $0.status == .notOk } == 1)
  }

  @Test func whatACrashCutShortIsTakenAwayBeforeMoreIsWritten() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    let events = [
      BenchEvent(at: Date(timeIntervalSince1970: 1), kind: .runStarted(Self.header)),
      BenchEvent(at: Date(timeIntervalSince1970: 2), kind: .trialFinished(Self.trial)),
      BenchEvent(at: Date(timeIntervalSince1970: 3), kind: .runFinished(interrupted: false)),
    ]
    let whole = try EventRecorder(path)
    for event in events { try whole.take(event) }
    let bytes = try Data(contentsOf: URL(filePath: path.string))
    // Wherever it was cut: complete events from before the cut are there, and later events are read.
    for length in stride(from: 0, through: bytes.count, by: 7) {
      try bytes.prefix(length).write(to: URL(filePath: path.string))
      let before = try EventRecord.read(path)
      // Without its newline, a line is not an event, even if the rest of it is there.
      let count = bytes.prefix(length).count { $0 == 0x0a }
      try EventRecorder(path).take(events[2])
      let after = try EventRecord.read(path)
      #expect(after == events.prefix(count) + [events[2]], "cut at \(length), \(before.count) events could be read")
    }
  }

  private struct Broken: EventSink {
    func take(_ event: BenchEvent) throws { throw Errno.noSpace }
  }

  @Test func aRunWhoseRecordTakesNoMoreEnds() async throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("events.jsonl")
    let broken = EventHub(Broken(), [try EventRecorder(path)])
    broken.send(.stageStarted(series: nil, stage: .build))
    await #expect(throws: Errno.noSpace) { try await broken.record(.runStarted(Self.header)) }
    #expect(!broken.hasRunStarted)
    // Any other sink may fail.
    let sound = EventHub(try EventRecorder(path), [Broken()])
    try await sound.record(.runStarted(Self.header))
    #expect(sound.hasRunStarted)
    let full: [any Error] = [Errno.noSpace, StageError.noSpace(.build), CocoaError(.fileWriteOutOfSpace)]
    #expect(full.filter { $0.isNoSpace }.count == full.count)
    #expect(!Errno.ioError.isNoSpace && !StageError.fault(.build, "x").isNoSpace)
  }

  @Test func directoriesOfRunsSortByTimeAndNeverCollide() throws {
    let scratch = try Scratch()
    let home = scratch.path
    let first = RunDirectory.fresh(under: home, label: "k-p", at: Date(timeIntervalSince1970: 0))
    #expect(first.lastComponent?.string == "19700101T000000-k-p")
    try FileManager.default.createDirectory(atPath: first.string, withIntermediateDirectories: true)
    let second = RunDirectory.fresh(under: home, label: "k-p", at: Date(timeIntervalSince1970: 0))
    #expect(second.lastComponent?.string == "19700101T000000-k-p-2")
  }
}
