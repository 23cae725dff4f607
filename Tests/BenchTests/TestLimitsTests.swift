// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Bench

@Suite struct TestLimitsTests {
  private func base(_ seconds: [String: Double], _ ending: GuestEnding = .completed) -> GuestRun {
    var run = GuestRun(
      release: "6", accelerator: .tcg, ending: ending, booted: true, tests: [], reports: [], anomalies: [],
      lastLines: [])
    run.seconds = seconds
    return run
  }

  @Test(arguments: [
    (0.001, 10), (0.9, 10), (1.05, 11), (3, 30), (4.6, 45), (60, 45), (.nan, 45), (.infinity, 45), (-1, 10),
  ]) func aLimitFollowsFromTheBase(_ taken: Double, _ limit: Int) {
    #expect(TestLimits(long: 45, base: base(["a/b": taken])).seconds(for: "a/b") == limit)
  }

  @Test("without the whole base's times every test has the long limit")
  func unknown() {
    for limits in [
      TestLimits(long: 45), TestLimits(long: 45, base: nil),
      TestLimits(long: 45, base: base(["a/b": 1], .stoppedEarly)),
    ] {
      #expect(limits.short == 45)
      #expect(limits.seconds(for: "a/b") == 45)
      #expect(limits.options().parameters.isEmpty)
    }
  }

  @Test("on a slow machine all limits are longer")
  func slowMachine() {
    #expect(TestLimits(long: 135, base: base(["a/b": 0.1])).seconds(for: "a/b") == 30)
  }

  @Test("if many tests are slow, the command line stays short and no limit is too small")
  func many() {
    let seconds = Dictionary(uniqueKeysWithValues: (1...300).map { ("group/subject/name-\($0)", 1 + Double($0) / 100) })
    let limits = TestLimits(long: 45, base: base(seconds))
    for (name, taken) in seconds { #expect(Double(limits.seconds(for: name)) >= taken * 10) }
    #expect(limits.options().parameters.joined(separator: " ").utf8.count < 1000)
    let options = GuestOptions(commandLine: limits.options().parameters.joined(separator: " "))
    for name in seconds.keys { #expect(options.seconds(for: name) == limits.seconds(for: name)) }
  }

  @Test("only an answer for which a short limit is to blame is taken back")
  func takenBack() {
    var run = base(["a/fast": 0.1, "a/slow": 20])
    run.tests = [
      TestResult(name: "a/fast", status: .timeout, reason: "not done in 10 s"),
      TestResult(name: "a/slow", status: .timeout, reason: "not done in 45 s"),
      TestResult(name: "a/hung", status: .timeout, reason: "not done in 10 s: \(TestResult.hang)"),
      TestResult(name: "a/broken", status: .crash, reason: "killed by signal 11 (SIGSEGV)"),
    ]
    let kept = TestLimits(long: 45, base: run).takingBack(run, base: run)
    #expect(kept.tests.map(\.status) == [.skip, .timeout, .timeout, .crash])
    #expect(kept.overdue == ["a/fast"])
    #expect(TestLimits(long: 45).takingBack(run, base: run) == run)
  }
}
