// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Reports

@Suite("Progress") struct ProgressTests {
  private static let start = Date(timeIntervalSince1970: 1_772_366_400)

  /// Returns the lines after some events, each with the second in which it happens.
  private func lines(
    _ events: [(Double, BenchEvent.Kind)], total: Int = 7, at second: Double? = nil, width: Int = 100
  ) -> [String] {
    var jobs = RunningJobs(total: total)
    for (second, kind) in events { jobs.take(BenchEvent(at: Self.start + second, kind: kind)) }
    return jobs.lines(at: Self.start + (second ?? events.last?.0 ?? 0), width: width)
  }

  private func finished(_ series: String?) -> BenchEvent.Kind {
    .trialFinished(Trial(series: series, cell: cell, seconds: StageSeconds(), reused: false, result: .sameCode))
  }

  @Test("each running job has a line, with its number in the run")
  func jobs() {
    let events: [(Double, BenchEvent.Kind)] = [
      (0, .stageStarted(series: nil, stage: .boot)), (1, .stageStarted(series: "a", stage: .apply)),
      (2, finished("cached")), (3, .stageStarted(series: "b", stage: .build)),
      (4, .progress(series: "b", stage: .build, text: "each patch")),
      (5, .progress(series: nil, stage: .tests, text: "3/276 forward/x/y")),
    ]
    #expect(lines(events) == ["base  tests 3/276", "1 of 7  a  apply", "3 of 7  b  build: each patch"])
    let later: [(Double, BenchEvent.Kind)] = [
      (6, .stageStarted(series: nil, stage: .tests)), events[5], (7, finished("a")),
    ]
    #expect(lines(events + later) == ["base  tests 3/276", "3 of 7  b  build: each patch"])
    #expect(lines(events + later + [(8, finished(nil)), (9, finished("b"))]) == [])
  }

  @Test("what this machine has not seen is left out, and nothing is left if it takes longer than ever")
  func unknown() {
    let known: [(Double, BenchEvent.Kind)] = [
      (0, .expected(series: "a", build: 30, tests: 60)), (0, .stageStarted(series: "a", stage: .build)),
    ]
    #expect(lines(known, at: 10) == ["1 of 7  a  build  about 1:20 left"])
    #expect(lines(known, at: 100) == ["1 of 7  a  build  about 1:00 left"])
    #expect(lines([(0, .expected(series: "a", build: nil, tests: 60)), known[1]], at: 10) == ["1 of 7  a  build"])
    let booted: [(Double, BenchEvent.Kind)] = [known[0], known[1], (40, .stageStarted(series: "a", stage: .boot))]
    #expect(lines(booted, at: 45) == ["1 of 7  a  boot  about 0:55 left"])
    #expect(lines(booted, at: 140) == ["1 of 7  a  boot"])
  }

  @Test("a guest's own pace counts once it is known, and reruns have a number")
  func pace() {
    var events: [(Double, BenchEvent.Kind)] = [
      (0, .expected(series: "a", build: 30, tests: 300)), (0, .stageStarted(series: "a", stage: .tests)),
      (5, .progress(series: "a", stage: .tests, text: "11/276 a/b/c")),
    ]
    #expect(lines(events) == ["1 of 7  a  tests 11/276  about 4:55 left"])
    events.append((20, .progress(series: "a", stage: .tests, text: "141/276 a/b/d")))
    #expect(lines(events) == ["1 of 7  a  tests 141/276  about 0:19 left"])
    events += [(40, .retrying(series: "a", number: 1, of: 3)), (41, .stageStarted(series: "a", stage: .tests))]
    #expect(lines(events, at: 45) == ["1 of 7  a  tests  retry 1/3"])
    events += [
      (60, .retrying(series: "a", number: 2, of: 3)), (61, .stageStarted(series: "a", stage: .tests)),
      (62, .progress(series: "a", stage: .tests, text: "1/2 a/b/c")),
    ]
    #expect(lines(events, at: 60) == ["1 of 7  a  tests 1/2  retry 2/3  about 0:40 left"])
    // How long it takes to find the patch to blame is not known.
    events.append((80, .stageStarted(series: "a", stage: .build)))
    #expect(lines(events) == ["1 of 7  a  build"])
  }

  @Test("names lose their middle, no line is too wide, and nothing in it acts", arguments: [20, 40, 79])
  func widths(width: Int) {
    let name = "virtio-gpu-share-the-device-address-space"
    let events: [(Double, BenchEvent.Kind)] = [
      (0, .stageStarted(series: name, stage: .build)),
      (1, .progress(series: name, stage: .build, text: "\u{1b}[2J\n" + String(repeating: "x", count: 200))),
      (2, .stageStarted(series: "\u{202e}evil\r", stage: .tests)),
    ]
    for line in lines(events, width: width) {
      #expect(Columns.width(of: line) <= width)
      #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202e })
    }
    #expect(lines([events[0]], width: 79)[0] == "1 of 7  virtio-gpu-share…address-space  build")
  }

  private func object(_ line: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test("each event is one object with a version, a time and a kind")
  func objects() throws {
    let kinds: [(BenchEvent.Kind, String)] = [
      (.runStarted(header([series("a")])), "run-started"), (.runResumed, "run-resumed"),
      (.stageStarted(series: "a", stage: .build), "stage"),
      (.progress(series: nil, stage: .tests, text: "1/2 a"), "progress"),
      (.expected(series: "a", build: .nan, tests: 2), "expected"),
      (.retrying(series: "a", number: 1, of: 3), "retry"),
      (.worse(series: "a", subject: "t", words: "w", isConfirmed: true), "worse"), (finished("a"), "trial-finished"),
      (.baseRepeated(everyVerdict().base!, number: 2), "base-repeated"),
      (.baseTriedAgain([plain], reports: nil, number: 1), "base-tried-again"),
      (.stateRead(series: nil, StateEvidence(image: "i", files: [])), "state-read"),
      (.runFinished(interrupted: true), "run-finished"), (.reported(seconds: 1), "reported"),
    ]
    for (kind, name) in kinds {
      let line = ProgressLine.of(BenchEvent(at: Self.start + 0.25, kind: kind))
      let object = try object(line)
      #expect(object["kind"] as? String == name)
      #expect(object["version"] as? Int == 1)
      #expect(object["time"] as? String == "2026-03-01T12:00:00.250Z")
    }
  }

  @Test("an object has what a program needs, and nothing in its line acts")
  func fields() throws {
    let hostile = "\u{1b}[31m\u{9b}2J\u{202e}é\n😀"
    let line = ProgressLine.of(
      BenchEvent(at: Self.start, kind: .worse(series: hostile, subject: "t", words: "w", isConfirmed: false)))
    #expect(line.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) })
    let worse = try object(line)
    #expect(worse["series"] as? String == hostile)
    #expect(worse["confirmed"] as? Bool == false)
    let base = try object(ProgressLine.of(BenchEvent(at: Self.start, kind: .trialFinished(everyVerdict().base!))))
    #expect(base["series"] is NSNull)
    #expect(base["outcome"] as? String == "completed" && base["reused"] as? Bool == true)
    #expect(base["tests"] as? Int == 3 && base["ok"] as? Int == 1 && base["kernelReports"] as? Int == 1)
    #expect(try object(ProgressLine.note("a", at: Self.start))["text"] as? String == "a")
    #expect(
      try object(ProgressLine.reports(["x/report.html"], at: Self.start))["files"] as? [String] == ["x/report.html"])
  }
}
