// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

/// One rule: the results of both sides, and the expected verdict.
struct Rule: Sendable, CustomTestStringConvertible {
  var title: String
  var series: TrialResult?
  var base: TrialResult? = .ran(guest([test("a", .ok), test("b", .notOk)]))
  var verdict: Verdict
  /// The first reason.
  var reason: String

  var testDescription: String { title }
}

private let failure = ApplyFailure(patch: patch, file: "drivers/x.c", hunk: 2, message: "patch does not apply")
private let broken = BuildFailure(
  diagnostics: [Diagnostic(file: "drivers/x.c", line: 7, message: "expected ';'", patch: "0001-x.patch")], tail: [])
private let same = [test("a", .ok), test("b", .notOk)]

@Suite struct VerdictTests {
  static let withoutAGuest: [Rule] = [
    Rule(
      title: "no trial", series: nil, verdict: .inconclusive, reason: "not run: the run was stopped before its turn"),
    Rule(
      title: "interrupted", series: .interrupted, verdict: .inconclusive,
      reason: "not completed: the run was stopped in stage apply"),
    Rule(
      title: "fault", series: .fault(HarnessFault(stage: .build, message: "no space left", advice: "free 2 GB")),
      verdict: .inconclusive, reason: "not the series' fault: no space left (free 2 GB)"),
    Rule(
      title: "does not apply, whatever the base did", series: .doesNotApply(failure), base: nil, verdict: .doesNotApply,
      reason: "0001-x.patch: does not apply: drivers/x.c, hunk 2: patch does not apply"),
    Rule(
      title: "does not build, whatever the base did", series: .doesNotBuild(broken), base: nil, verdict: .doesNotBuild,
      reason: "0001-x.patch: does not build: drivers/x.c:7: expected ';'"),
    Rule(
      title: "a build without a diagnostic", series: .doesNotBuild(BuildFailure(diagnostics: [], tail: ["Killed"])),
      verdict: .doesNotBuild, reason: "does not build: Killed"),
  ]

  static let boot: [Rule] = [
    Rule(
      title: "does not boot", series: .ran(guest([], ending: .bootDeadline(seconds: 60), booted: false)),
      verdict: .doesNotBoot, reason: "does not boot: never reached init within 60 s"),
    Rule(
      title: "panics at boot", series: .ran(guest([], ending: .panicked("Attempted to kill init!"), booted: false)),
      verdict: .doesNotBoot, reason: "does not boot: the kernel panicked (Attempted to kill init!)"),
    Rule(
      title: "a base that boots and then panics carries does-not-boot",
      series: .ran(guest([], ending: .stoppedEarly, booted: false)),
      base: .ran(guest([test("a", .missing)], ending: .panicked("Oops"))), verdict: .doesNotBoot,
      reason: "does not boot: the machine stopped or was reset without a message"),
    Rule(
      title: "neither boots", series: .ran(guest([], ending: .silent(seconds: 2.5), booted: false)),
      base: .ran(guest([], ending: .silent(seconds: 2.5), booted: false)), verdict: .inconclusive,
      reason: "the base does not boot either"),
    Rule(
      title: "no boot and no base", series: .ran(guest([], ending: .stoppedEarly, booted: false)), base: nil,
      verdict: .inconclusive, reason: "the base has no result: the run was stopped before it finished"),
    Rule(
      title: "no boot, and the base's machine died", series: .ran(guest([], ending: .stoppedEarly, booted: false)),
      base: .ran(guest([], ending: .machineDied("killed"), booted: false)), verdict: .inconclusive,
      reason: "the machine died under the base: killed"),
    Rule(
      title: "the machine dies at boot", series: .ran(guest([], ending: .machineDied("signal 9"), booted: false)),
      verdict: .inconclusive, reason: "not the series' fault: the machine died: signal 9"),
    Rule(
      title: "an end without a hello", series: .ran(guest([], ending: .completed, booted: false)),
      verdict: .inconclusive,
      reason: "the guest's evidence is unreliable: it completed, but never reached init"),
    Rule(
      title: "an unsigned hello", series: .ran(unsigned(guest([], ending: .stoppedEarly, booted: false))),
      verdict: .inconclusive, reason: "the guest's evidence is unreliable: forged"),
    Rule(
      title: "no hello from a guest that speaks out of its turn",
      series: .ran(contradicting(guest([], ending: .stoppedEarly, booted: false))), verdict: .inconclusive,
      reason: "the guest's evidence is unreliable: out of turn"),
    Rule(
      title: "an unsigned hello, and a panic",
      series: .ran(unsigned(guest([], ending: .panicked("Oops"), booted: false))), verdict: .doesNotBoot,
      reason: "does not boot: the kernel panicked (Oops)"),
    Rule(
      title: "boots the second time only", series: .ran(bootsSecond(guest([test("a", .ok)]))),
      base: .ran(guest([test("a", .ok)])), verdict: .inconclusive,
      reason: "boots only sometimes: silent for 9 s the first time, and not the second"),
    Rule(
      title: "a base that boots the second time only", series: .ran(guest([test("a", .ok)])),
      base: .ran(bootsSecond(guest([test("a", .ok)]))), verdict: .clean,
      reason: "The one result matches the base, no new kernel report"),
    Rule(
      title: "a flood instead of a hello", series: .ran(guest([], ending: .flooded, booted: false)),
      verdict: .inconclusive,
      reason: "the guest's evidence is unreliable: it sent more results than are kept"),
  ]

  static let baseFlaws: [Rule] = [
    (nil, "the base has no result: the run was stopped before it finished"),
    (.interrupted, "the base has no result: the run was stopped before it finished"),
    (.fault(HarnessFault(stage: .boot, message: "no libvirt")), "the base could not be tested: no libvirt"),
    (.doesNotApply(failure), "the base could not be prepared: patch does not apply"),
    (.doesNotBuild(broken), "the base does not build: expected ';'"),
    (
      .ran(guest([], ending: .stoppedEarly, booted: false)),
      "the base does not boot: the machine stopped or was reset without a message"
    ),
    (
      .ran(guest([test("a", .ok), test("b", .missing)], ending: .silent(seconds: 9))),
      "the base does not complete: silent for 9 s in b"
    ),
    (
      .ran(guest(same, ending: .runDeadline(seconds: 9))),
      "the base does not complete: not done within 9 s after the last test"
    ),
    (.ran(guest(same, ending: .machineDied("OOM"))), "the machine died under the base: OOM"),
    (.ran(guest(same, anomalies: ["not KTAP: x"])), "the base's evidence is unreliable: not KTAP: x"),
    (.ran(guest(same + [test("c", .missing)])), "c: planned on the base and never reported"),
  ].map { (base: TrialResult?, reason: String) in
    // With a sound base this series would be `regresses`, by its report and by its test.
    Rule(
      title: "flaw: \(reason)", series: .ran(guest([test("a", .crash)], reports: ["WARNING in x"])), base: base,
      verdict: .inconclusive, reason: reason)
  }

  static let guests: [Rule] = [
    Rule(
      title: "clean", series: .ran(guest(same)), verdict: .clean,
      reason: "All 2 results match the base, no new kernel report"),
    Rule(
      title: "clean with a new test", series: .ran(guest(same + [test("c", .ok)])), verdict: .clean,
      reason: "2 of 3 results match the base, 1 new, no new kernel report"),
    Rule(
      title: "clean with a report that the base has too", series: .ran(guest(same, reports: ["WARNING in x"])),
      base: .ran(guest(same, reports: ["WARNING in x"])), verdict: .clean,
      reason: "All 2 results match the base, no new kernel report"),
    Rule(
      title: "fixes", series: .ran(guest([test("a", .ok), test("b", .ok)])), verdict: .fixes,
      reason: "b: not-ok on base, ok with the series"),
    Rule(
      title: "a test regresses", series: .ran(guest([test("a", .notOk, "one:bad 0"), test("b", .notOk)])),
      verdict: .regresses, reason: "a: ok on base, not-ok with the series (one: 0)"),
    Rule(
      title: "a failure grows worse", series: .ran(guest([test("a", .ok), test("b", .crash)])), verdict: .regresses,
      reason: "b: not-ok on base, crash with the series"),
    Rule(
      title: "a failure loses a check", series: .ran(guest([test("a", .notOk, "x:bad", "y:bad 7")])),
      base: .ran(guest([test("a", .notOk, "x:bad", "y:ok")])), verdict: .regresses,
      reason: "a: not-ok on both, but the check \"y\" passed before and now fails: 7"),
    Rule(
      title: "a failure drops a check", series: .ran(guest([test("a", .notOk, "x:bad")])),
      base: .ran(guest([test("a", .notOk, "x:bad", "y:ok")])), verdict: .regresses,
      reason: "a: not-ok on both, but the check \"y\" passed before and now is gone"),
    Rule(
      title: "a new test that fails", series: .ran(guest(same + [test("c", .timeout)])), verdict: .regresses,
      reason: "c: no result on base, timeout with the series"),
    Rule(
      title: "a new kernel report", series: .ran(guest(same, reports: ["WARNING in x", "WARNING in x"])),
      verdict: .regresses, reason: "WARNING in x: kernel report that the base does not have"),
    Rule(
      title: "a test gives no answer", series: .ran(guest([test("a", .skip), test("b", .notOk)])),
      verdict: .inconclusive, reason: "a: ok on base, no result with the series"),
    Rule(
      title: "a test is no longer planned", series: .ran(guest([test("a", .ok)])), verdict: .inconclusive,
      reason: "b: not-ok on base, no result with the series (not in the plan with the series)"),
    Rule(
      title: "no test at all", series: .ran(guest([])), base: .ran(guest([])), verdict: .inconclusive,
      reason: "no test gave a result"),
    Rule(
      title: "all skip", series: .ran(guest([test("a", .skip)])), base: .ran(guest([test("a", .skip)])),
      verdict: .inconclusive, reason: "no test gave a result"),
    Rule(
      title: "an anomaly", series: .ran(guest(same, anomalies: ["a second result for a"])), verdict: .inconclusive,
      reason: "the guest's evidence is unreliable: a second result for a"),
    Rule(
      title: "another accelerator", series: .ran(guest([test("a", .timeout)], accelerator: .tcg)),
      verdict: .inconclusive, reason: "not comparable: the base ran under kvm, this under tcg"),
  ]

  static let endings: [Rule] = [
    (GuestEnding.panicked("Oops"), "does not complete: the kernel panicked (Oops) in b"),
    (.stoppedEarly, "does not complete: the machine stopped or was reset without a message in b"),
    (.silent(seconds: 30), "does not complete: silent for 30 s in b"),
    (.runDeadline(seconds: 300), "does not complete: not done within 300 s in b"),
    (.bootDeadline(seconds: 60), "does not complete: never reached init within 60 s in b"),
  ].map { ending, reason in
    Rule(
      title: "ending: \(reason)", series: .ran(guest([test("a", .ok), test("b", .missing)], ending: ending)),
      verdict: .regresses, reason: reason)
  }

  static let precedence: [Rule] = [
    Rule(
      title: "worse beats unknown and better",
      series: .ran(guest([test("a", .notOk), test("b", .ok)], anomalies: ["odd"])), verdict: .regresses,
      reason: "a: ok on base, not-ok with the series"),
    Rule(
      title: "unknown beats better", series: .ran(guest([test("a", .skip), test("b", .ok)])), verdict: .inconclusive,
      reason: "a: ok on base, no result with the series"),
    Rule(
      title: "an anomaly beats better", series: .ran(guest([test("a", .ok), test("b", .ok)], anomalies: ["odd"])),
      verdict: .inconclusive, reason: "the guest's evidence is unreliable: odd"),
    Rule(
      title: "a new report beats better", series: .ran(guest([test("a", .ok), test("b", .ok)], reports: ["BUG in x"])),
      verdict: .regresses, reason: "BUG in x: kernel report that the base does not have"),
    Rule(
      title: "what a dying machine's tests say is not held against the series",
      series: .ran(guest([test("a", .notOk), test("b", .missing)], ending: .machineDied("signal 6"))),
      verdict: .inconclusive, reason: "not the series' fault: the machine died in b: signal 6"),
    Rule(
      title: "a flood of results is no failed test",
      series: .ran(guest([test("a", .ok), test("b", .missing)], ending: .flooded)), verdict: .inconclusive,
      reason: "the guest's evidence is unreliable: it sent more results than are kept in b"),
    Rule(
      title: "what the kernel reported before its machine died is",
      series: .ran(guest([test("a", .missing)], reports: ["BUG in x"], ending: .machineDied("signal 6"))),
      verdict: .regresses, reason: "BUG in x: kernel report that the base does not have"),
  ]

  @Test(arguments: withoutAGuest + boot + baseFlaws + guests + endings + precedence)
  func rule(_ rule: Rule) {
    let judgement = judged(rule.series, base: rule.base)
    #expect(judgement.verdict == rule.verdict)
    #expect(judgement.words.first == rule.reason)
  }

  @Test func everyVerdictHasARule() {
    let all = Self.withoutAGuest + Self.boot + Self.baseFlaws + Self.guests + Self.endings + Self.precedence
    #expect(Set(all.map(\.verdict)) == Set(Verdict.allCases))
  }

  @Test func theWeightiestReasonStandsFirstAndNoneIsLost() {
    let base = guest([test("a", .ok), test("b", .notOk), test("c", .ok), test("d", .ok)])
    let series = guest(
      [test("a", .notOk), test("b", .ok), test("c", .skip), test("d", .missing)], reports: ["BUG in x"],
      ending: .panicked("Oops"), anomalies: ["odd"])
    #expect(
      judged(.ran(series), base: .ran(base)).words == [
        "does not complete: the kernel panicked (Oops) in d",
        "BUG in x: kernel report that the base does not have",
        "a: ok on base, not-ok with the series",
        "c: ok on base, no result with the series",
        "the guest's evidence is unreliable: odd",
        "b: not-ok on base, ok with the series",
      ])
  }

  @Test func anotherCellIsNotCompared() {
    var other = here
    other.profile = "lockdep"
    let judgement = judge(
      candidate, trial: trial(.ran(guest([test("a", .crash)]))), base: trial(.ran(guest([test("a", .ok)])), cell: other)
    )
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.words == ["not comparable: the base ran in linux-6.12, profile lockdep, guest q35"])
  }

  @Test func reportsAreToldApartByTitle() {
    let judgement = judged(
      .ran(guest(same, reports: ["one", "two"])), base: .ran(guest(same, reports: ["two", "three"])))
    #expect(judgement.reports.map(\.report.title) == ["one", "two"])
    #expect(judgement.reports.map(\.onBase) == [false, true])
    #expect(judgement.newReports == 1)
  }

  @Test("a trial that stopped at its first regression regresses by it, and says what did not run")
  func cutShort() {
    let base = guest([test("a/x", .ok), test("a/y", .ok), test("b/x", .ok)])
    let series = guest(
      [test("a/x", .notOk, "one:bad 0"), test("a/y", .missing), test("b/x", .missing)],
      ending: .runDeadline(seconds: 3))
    var cut = trial(.ran(series))
    cut.cutShort = .test("a/x", reason: "one")
    let judgement = judge(candidate, trial: cut, base: trial(.ran(base)))
    #expect(judgement.verdict == .regresses)
    #expect(
      judgement.reasons.map(\.description) == [
        "a/x: ok on base, not-ok with the series (one: 0)",
        "stopped at the first regression, as requested: 2 tests did not run",
      ])
    // Without that request, a guest that is not done in time is itself a regression.
    cut.cutShort = nil
    #expect(judge(candidate, trial: cut, base: trial(.ran(base))).reasons.count == 2)
    #expect(
      judge(candidate, trial: cut, base: trial(.ran(base))).reasons[0].description.contains("not done within 3 s"))
  }

  @Test(
    "the patch that brings a regression is the first reason",
    arguments: [
      (Culprit(number: 2, lastGood: 1, test: "a/x", alike: 0), "patch 2 of 3: “two” brings it: a/x"),
      (
        Culprit(number: 2, lastGood: 1, test: "a/x", alike: 1),
        "patch 2 of 3: “two” brings it: a/x (1 more fails alike)"
      ),
      (
        Culprit(number: 3, lastGood: 0, test: "a/x", alike: 2),
        "patch 3 of 3: “three” brings it: a/x (2 more fail alike); or one of the patches from 1 on, which give no result by "
          + "themselves"
      ),
      // A record that somebody edited.
      (Culprit(number: 9, lastGood: 8, test: "a/x", alike: 0), "patch 9 of 3: “” brings it: a/x"),
    ])
  func culprit(_ culprit: Culprit, _ words: String) {
    let patches = ["one", "two", "three"].map { Patch(subject: $0, author: "", file: $0, paths: []) }
    var worse = trial(.ran(guest([test("a/x", .notOk)])))
    worse.culprits = [culprit]
    let series = PatchSeries(name: "candidate", patches: patches)
    let base = trial(.ran(guest([test("a/x", .ok)])))
    #expect(judge(series, trial: worse, base: base).reasons.first?.description == words)
    // A verdict that is not worse has no culprit.
    worse.result = .ran(guest([test("a/x", .ok)]))
    #expect(judge(series, trial: worse, base: base).reasons.first?.description != words)
  }

  @Test(
    "a patch that breaks what a later one cures is a sentence, and the verdict stands",
    arguments: [
      (
        BisectionBreak(number: 1, lastGood: 0, lastBad: 1, cure: 2, symptom: .init(kind: .test, name: "a/x")),
        "patch 1 of 3, “one”, breaks a/x; patch 2 cures it", "patch 1 of 3 breaks a/x; patch 2 cures it"
      ),
      (
        BisectionBreak(number: 2, lastGood: 0, lastBad: 2, cure: 3, symptom: .init(kind: .test, name: "a/x", alike: 4)),
        "patch 2 of 3 (or one from 1 on), “two”, breaks a/x (4 more alike); patch 3 cures it",
        "patch 2 of 3 (or one from 1 on) breaks a/x (4 more alike); patch 3 cures it"
      ),
      (
        BisectionBreak(
          number: 1, lastGood: 0, lastBad: 1, cure: 3,
          symptom: .init(kind: .report, name: "WARNING in f", test: "a/x")),
        "patch 1 of 3, “one”, brings “WARNING in f” in a/x; patch 3 (or one from 2 on) cures it",
        "patch 1 of 3 brings “WARNING in f” in a/x; patch 3 (or one from 2 on) cures it"
      ),
      (
        BisectionBreak(
          number: 2, lastGood: 1, lastBad: 2, cure: 3, symptom: .init(kind: .kernel, name: "does not boot: x")),
        "with patch 2 of 3, “two”, the kernel does not boot: x; patch 3 cures it",
        "with patch 2 of 3 the kernel does not boot: x; patch 3 cures it"
      ),
    ])
  func bisection(_ one: BisectionBreak, _ words: String, _ short: String) {
    let patches = ["one", "two", "three"].map { Patch(subject: $0, author: "", file: $0, paths: []) }
    let series = PatchSeries(name: "candidate", patches: patches)
    #expect(one.words(in: series) == words)
    #expect(one.words(in: series, isShort: true) == short)
    var fine = trial(.ran(guest([test("a/x", .ok)])))
    let base = trial(.ran(guest([test("a/x", .ok)])))
    let before = judge(series, trial: fine, base: base)
    fine.patchTests = PatchTests(isWhole: true, steps: [], breaks: [one])
    let after = judge(series, trial: fine, base: base)
    #expect(after.verdict == .clean && after.reasons == before.reasons)
    #expect(fine.patchTests?.bisection == "the series breaks bisection, though the verdict of the whole stands")
  }

  @Test("a patch that does not build by itself is named, though the whole series builds")
  func betweenPatches() {
    var failure = broken
    failure.after = BuildFailure.Place(number: 1, count: 2, subject: "drm: x", patch: "0001-x.patch")
    let judgement = judged(.doesNotBuild(failure), base: nil)
    #expect(judgement.verdict == .doesNotBuild)
    #expect(
      judgement.words.first
        == "0001-x.patch: does not build after patch 1 of 2, “drm: x”, though the whole series builds: `git bisect` "
        + "would stop here")
    #expect(judgement.reasons.count == 2)
  }
}
