// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import BisectRun

/// What one trial says of a commit: good, bad, or nothing.
@Suite struct StepAnswerTests {
  private static let cell = Cell(
    kernel: "k", profile: "p", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
  private static let series = PatchSeries(
    name: "s", patches: [Patch(subject: "all", author: "", file: "s.diff", paths: ["a.c"])])

  private static func guest(
    _ tests: [(String, TestStatus)], reports: [(String, String?)] = [], ending: GuestEnding = .completed,
    booted: Bool = true, deaths: [String] = [], anomalies: [String] = []
  ) -> GuestRun {
    var run = GuestRun(
      release: "6", accelerator: .tcg, ending: ending, booted: booted,
      tests: tests.map { name, status in
        TestResult(
          name: name, status: status,
          checks: status == .notOk ? [Check(name: "pages", passed: false, detail: "3 of 4 differ")] : [])
      },
      reports: reports.map { KernelReport(title: $0, kind: .kasan, trace: [], test: $1) }, anomalies: anomalies,
      lastLines: [])
    run.deaths = deaths.map { GuestDeath(test: $0, ending: .panicked("Oops")) }
    return run
  }

  private static let base = guest([("a", .ok), ("b", .ok), ("c", .ok)])
  private static let fine = TrialResult.ran(base)

  private static func judged(_ result: TrialResult?, base: GuestRun = base) -> Judgement {
    func trial(_ name: String?, _ result: TrialResult) -> Trial {
      Trial(series: name, cell: cell, seconds: StageSeconds(), reused: false, result: result)
    }
    return judge(series, trial: result.map { trial("s", $0) }, base: trial(nil, .ran(base)))
  }

  private static let broken = TrialResult.doesNotBuild(
    BuildFailure(diagnostics: [Diagnostic(file: "a.c", line: 3, message: "no such thing", patch: "s.diff")], tail: []))
  private static let deaf = TrialResult.ran(guest([], ending: .panicked("no init"), booted: false))
  private static let died = TrialResult.ran(guest([("a", .ok)], ending: .machineDied("killed")))
  private static let noRoom = TrialResult.fault(HarnessFault(stage: .boot, message: "no room"))

  private static func worse(_ names: String...) -> TrialResult {
    .ran(guest(["a", "b", "c"].map { ($0, names.contains($0) ? .notOk : .ok) }))
  }

  // MARK: - The bad revision

  static let whole: [(String, TrialResult, BisectStep.Answer, [String])] = [
    ("nothing is worse", fine, .good, []),
    ("the same code", .sameCode, .good, []),
    ("a test is worse", worse("b"), .bad, ["b: ok on good, not-ok here (pages: 3 of 4 differ)"]),
    (
      "tests that fail alike are one symptom", worse("a", "c"), .bad,
      ["a: ok on good, not-ok here (pages: 3 of 4 differ) (1 more fails alike)"]
    ),
    (
      "a report", .ran(guest([("a", .ok), ("b", .ok), ("c", .ok)], reports: [("KASAN: x", "b"), ("KASAN: x", "c")])),
      .bad, ["KASAN: x: a kernel report in b"]
    ),
    (
      "a test that kills its guest",
      .ran(guest([("a", .ok), ("b", .missing), ("c", .ok)], ending: .panicked("Oops"), deaths: ["b"])), .bad,
      ["b: ok on good, and here the kernel panicked (Oops)"]
    ),
    (
      "a guest that does not end",
      .ran(guest([("a", .ok), ("b", .ok), ("c", .missing)], ending: .runDeadline(seconds: 9))), .bad,
      ["does not complete: not done within 9 s"]
    ),
    ("no boot", deaf, .bad, ["does not boot: the kernel panicked (no init)"]),
    ("no build", broken, .bad, ["does not build: a.c:3: no such thing"]),
    ("a test without an answer", .ran(guest([("a", .ok), ("b", .skip), ("c", .ok)])), .skip, []),
    ("lost lines", .ran(guest([("a", .ok), ("b", .ok), ("c", .ok)], anomalies: ["lines were lost"])), .skip, []),
  ]

  @Test(arguments: whole.indices) func theBadRevision(_ row: Int) throws {
    let (name, result, answer, found) = Self.whole[row]
    let said = try StepAnswer(whole: Self.judged(result))
    #expect(said.answer == answer, "\(name): \(said.reason)")
    #expect(said.found.map(\.text) == found, "\(name)")
  }

  @Test("the harness' own failure is no answer", arguments: [noRoom, died, .interrupted, nil])
  func harness(_ result: TrialResult?) {
    #expect(throws: HarnessFault.self) { _ = try StepAnswer(whole: Self.judged(result)) }
    #expect(throws: HarnessFault.self) { _ = try StepAnswer(Self.judged(result), sought: [Self.test("b")]) }
  }

  // MARK: - Other commits

  private static func test(_ name: String) -> Symptom { Symptom(kind: .test, name: name, words: "", test: name) }
  private static let report = Symptom(kind: .report, name: "KASAN: x", words: "", test: "b")
  private static let boot = Symptom(kind: .boot, name: "does not boot", words: "")
  private static let build = Symptom(kind: .build, name: "does not build", words: "")
  private static let ending = Symptom(kind: .ending, name: "does not complete", words: "")
  private static func reporting(_ title: String) -> TrialResult {
    .ran(guest([("a", .ok), ("b", .ok), ("c", .ok)], reports: [(title, "b")]))
  }

  static let steps: [(String, Symptom, TrialResult, BisectStep.Answer)] = [
    ("the test is worse", test("b"), worse("b"), .bad),
    ("it is worse among others that fail alike", test("c"), worse("a", "c"), .bad),
    ("it is not", test("b"), fine, .good),
    ("the same code", test("b"), .sameCode, .good),
    ("it kills its guest", test("b"), .ran(guest([("b", .missing)], ending: .panicked("Oops"), deaths: ["b"])), .bad),
    ("another test is worse", test("b"), worse("a"), .skip),
    ("a report that is not sought beside tests that are fine", test("b"), reporting("KASAN: y"), .good),
    ("no build", test("b"), broken, .skip),
    ("no boot", test("b"), deaf, .skip),
    ("no answer", test("b"), .ran(guest([("a", .ok), ("b", .skip), ("c", .ok)])), .skip),
    ("the report", report, reporting("KASAN: x"), .bad),
    ("no report", report, fine, .good),
    ("another report: it may be the same bug", report, reporting("KASAN: y"), .skip),
    ("its test fails: the report may not be reached", report, worse("b"), .skip),
    ("does not boot, as sought", boot, deaf, .bad),
    ("boots, and a test is worse", boot, worse("b"), .good),
    ("does not build, where boots are sought", boot, broken, .skip),
    ("does not build, as sought", build, broken, .bad),
    ("builds, and does not boot", build, deaf, .good),
    ("is only built", build, .built, .good),
    (
      "does not end, as sought", ending,
      .ran(guest([("a", .ok), ("b", .ok), ("c", .missing)], ending: .runDeadline(seconds: 9))), .bad
    ),
    ("ends", ending, fine, .good),
  ]

  @Test(arguments: steps.indices) func aCommit(_ row: Int) throws {
    let (name, sought, result, answer) = Self.steps[row]
    let said = try StepAnswer(Self.judged(result), sought: [sought])
    #expect(said.answer == answer, "\(name): \(said.reason)")
    #expect(!said.reason.isEmpty)
    #expect(said.found.isEmpty == (answer != .bad), "\(name)")
  }

  @Test("any of several symptoms makes a commit bad, and only what is there is found")
  func several() throws {
    let said = try StepAnswer(Self.judged(Self.worse("b")), sought: [Self.test("b"), Self.test("c"), Self.report])
    #expect(said.answer == .bad)
    #expect(said.found.map(\.name) == ["b"])
  }

  @Test("later steps run only the tests that show something")
  func narrowing() {
    let asked = ["a", "b", "c"]
    #expect(Symptom.tests(of: [Self.test("c"), Self.report], asked: asked) == ["b", "c"])
    #expect(Symptom.tests(of: [Self.build], asked: asked) == ["a"])
    #expect(Symptom.tests(of: [Self.boot], asked: asked) == ["a"])
    #expect(Symptom.tests(of: [Self.ending, Self.test("b")], asked: asked) == asked)
    let early = Symptom(kind: .report, name: "WARNING in boot", words: "", test: nil)
    #expect(Symptom.tests(of: [early], asked: asked) == ["a"])
  }
}
