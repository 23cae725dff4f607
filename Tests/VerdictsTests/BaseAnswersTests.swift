// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing
import Verdicts

/// Judges one answer at a time by the same rules as a whole run.
@Suite struct BaseAnswersTests {
  private let base = guest(
    [
      test("ok", .ok, "one:ok"), test("bad", .notOk, "one:ok", "two:bad"), test("skipped", .skip),
      test("crashes", .crash),
    ], reports: ["WARNING in a"])

  @Test(arguments: [
    (test("ok", .ok, "one:ok"), false), (test("ok", .notOk, "one:bad"), true), (test("ok", .timeout), true),
    (test("ok", .crash), true), (test("ok", .skip), false), (test("bad", .notOk, "one:ok", "two:bad"), false),
    (test("bad", .notOk, "one:bad", "two:bad"), true), (test("bad", .ok, "one:ok"), false), (test("bad", .crash), true),
    (test("crashes", .crash), false), (test("skipped", .notOk), true), (test("skipped", .ok), false),
    (test("new", .notOk), true), (test("new", .ok), false),
  ]) func isWorse(_ result: TestResult, _ expected: Bool) {
    #expect(BaseAnswers(base, known: [], isStrict: false).isWorse(result) == expected)
    // The full judgement agrees.
    let all = base.tests.map { $0.name == result.name ? result : $0 } + (result.name == "new" ? [result] : [])
    var trial = Trial(series: "candidate", cell: here, seconds: StageSeconds(), reused: false, result: .ran(guest(all)))
    trial.change = changed
    let whole = Trial(series: nil, cell: here, seconds: StageSeconds(), reused: false, result: .ran(base))
    #expect((judge(candidate, trial: trial, base: whole).verdict == .regresses) == expected)
  }

  @Test func knowsItsReportsAndThoseThatAreExcused() {
    let known = KnownReport(
      report: NamePattern("INFO: rcu*"), reason: "slow", link: "x", expires: Date(timeIntervalSinceNow: 60))
    let answers = BaseAnswers(base, known: [known], isStrict: false)
    func report(_ title: String) -> KernelReport { KernelReport(title: title, kind: .warning, trace: [], test: nil) }
    #expect(!answers.isNew(report("WARNING in a")))
    #expect(!answers.isNew(report("INFO: rcu detected stall in b")))
    #expect(answers.isNew(report("WARNING in b")))
  }

  @Test("what only the test driver provokes is worse only if that counts")
  func onlyOurs() {
    let name = "history/pbtest_plain-to-plain/merged"
    let base = guest([test(name, .ok)])
    let report = KernelReport(title: "WARNING in b", kind: .warning, trace: [], test: name)
    for counts in [false, true] {
      let answers = BaseAnswers(base, known: [], isStrict: counts)
      #expect(answers.isWorse(test(name, .notOk)) == counts)
      #expect(answers.isNew(report) == counts)
    }
  }
}
