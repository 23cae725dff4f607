// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing

@testable import Reports

@Suite struct SteadyReportTests {
  private func json(_ change: (inout RunRecord) -> Void = { _ in }) throws -> String {
    var record = everyVerdict()
    change(&record)
    return try Report(record: record).json()
  }

  private func changed(_ name: String, _ change: (inout Trial) -> Void) throws -> String {
    try json { record in change(&record.trials[name]!) }
  }

  @Test func timesAndLuckAreNoDifference() throws {
    let first = try json()
    let second = try json { record in
      record.started += 1000
      record.finished? += 2000
      record.resumed = [record.started]
      record.reportSeconds = 17
      for name in record.trials.keys {
        record.trials[name]?.seconds = StageSeconds([.apply: 99])
        record.trials[name]?.work?.cached += 1
      }
    }
    #expect(first != second)
    #expect(try SteadyReport.differences(first, second) == [])
  }

  @Test func everythingElseIs() throws {
    let first = try json()
    let name = try #require(everyVerdict().trials.keys.sorted().first)
    let seconds = [
      try json { $0.interrupted.toggle() }, try json { $0.header.emulator += "x" },
      try json { $0.trials[name] = nil }, try changed(name) { $0.reused.toggle() },
      try changed(name) { $0.result = .interrupted },
    ]
    for second in seconds { #expect(try !SteadyReport.differences(first, second).isEmpty) }
  }

  @Test func whatTheKernelSaidAndWhereRandomNumbersCameFromIsSteady() throws {
    func report(_ time: String, _ seed: Int, _ count: Int) -> String {
      #"{"log": ["[ \#(time)] BUG at 0xffff\#(seed)00000000"], "reason": "race, seed \#(seed)", "count": \#(count)}"#
    }
    #expect(try SteadyReport.differences(report("   1.25", 1234, 3), report(" 12.5", 5678, 4)) == [])
    #expect(try !SteadyReport.differences(report("1.25", 1, 3), report("1.25", 1, 0)).isEmpty)
    #expect(try !SteadyReport.differences(#"{"reason": "3 of 4"}"#, #"{"reason": "4 of 4"}"#).isEmpty)
  }

  /// In the run that was killed and resumed, the clock's lines fell into another test.
  @Test func whatTheKernelSaysAtAnyTimeIsSteady() throws {
    let clock = [
      "[    4.480110][    T8] tsc: Refined TSC clocksource calibration: 2649.986 MHz",
      "[    4.482310][    T8] clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x26 max_idle_ns: 440795210624 ns",
      "[    4.485870][    T8] clocksource: Switched to clocksource tsc",
      "[    7.025870][    C1] hrtimer: interrupt took 11215190 ns",
    ]
    let said = "[    4.490000][   T33] Memory manager not clean during takedown."
    func report(_ first: [String], _ second: [String]) throws -> String {
      String(decoding: try JSONEncoder().encode(["a": ["log": first], "b": ["log": second]]), as: UTF8.self)
    }
    #expect(try SteadyReport.differences(report(clock, [said]), report([], clock + [said])) == [])
    #expect(try !SteadyReport.differences(report(clock, [said]), report([said], clock)).isEmpty)
  }

  @Test func aResumedRunSaysSo() throws {
    var record = everyVerdict()
    record.resumed = [record.started + 60]
    #expect(Report(record: record).markdown().contains(", resumed 2026-"))
    #expect(Report(record: record).details().contains(", resumed 2026-"))
    #expect(try Report(record: record).html().contains(", resumed 2026-"))
    #expect(try Report(record: record).json().contains("\"resumed\":[\"2026-"))
    #expect(!Report(record: everyVerdict()).markdown().contains("resumed"))
  }
}
