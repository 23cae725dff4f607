// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import MutantRun
import Mutation
import Testing
import Verdicts

/// The fate of a mutant, by the verdict on its series.
@Suite struct FateTests {
  private static let cell = Cell(
    kernel: "k", profile: "p", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
  private static let mutant = Mutant(
    id: "a.f.relational.3-4", operator: .relational, in: "drivers/a.c", function: "f", at: (line: 3, column: 4),
    bytes: 0..<1, replacement: "<=", lines: (before: "a < b", after: "a <= b"))
  private static let none = try! MutantArguments(
    equivalent: EquivalentMutants(yaml: "", name: "none"), unreachable: UnreachableLines(yaml: "", name: "none"))
  private static let ran = Execution(runs: ["f": ["t": 2]])

  private static func guest(
    _ status: TestStatus = .ok, ending: GuestEnding = .completed, booted: Bool = true, execution: Execution? = ran,
    reports: [String] = [], anomalies: [String] = []
  ) -> GuestRun {
    var run = GuestRun(
      release: "6", accelerator: .tcg, ending: ending, booted: booted,
      tests: booted ? [TestResult(name: "t", status: status)] : [],
      reports: reports.map { KernelReport(title: $0, kind: .kasan, trace: [], test: nil) },
      anomalies: anomalies, lastLines: [])
    run.execution = execution
    return run
  }

  private static func trial(_ result: TrialResult, _ cut: CutShort? = nil, notCompiled: [String] = []) -> Trial {
    var trial = Trial(series: "s", cell: cell, seconds: StageSeconds(), reused: false, result: result)
    let isSame = result == .sameCode
    trial.change = CodeChange(
      pieces: isSame ? [] : [CodeChange.Piece(kind: .function, name: "f", file: "drivers/a.c", carriers: ["f"])],
      functions: isSame ? [] : [CodeChange.Function(name: "f", file: "drivers/a.c")], notCompiled: notCompiled)
    trial.cutShort = cut
    return trial
  }

  private static let broken = BuildFailure(
    diagnostics: [Diagnostic(file: "drivers/a.c", line: 3, message: "no", patch: "1")], tail: [])

  static let fates: [(Trial?, MutantFate)] = [
    (nil, .notRun),
    (trial(.interrupted), .notRun),
    (trial(.fault(HarnessFault(stage: .boot, message: "no room"))), .undecided),
    (trial(.doesNotBuild(broken)), .notBuilt),
    (trial(.sameCode), .sameCode),
    (trial(.sameCode, notCompiled: ["drivers/a.c"]), .unreached),
    (trial(.ran(guest())), .alive),
    (trial(.ran(guest(execution: Execution(runs: ["g": ["t": 1]])))), .unreached),
    // Nothing was counted, so it may or may not have run.
    (trial(.ran(guest(execution: nil))), .undecided),
    (trial(.ran(guest(execution: Execution(failure: "no tracer")))), .undecided),
    (trial(.ran(guest(anomalies: ["lines were lost"]))), .undecided),
    (trial(.ran(guest(.missing))), .undecided),
    (trial(.ran(guest(ending: .machineDied("of a signal")))), .undecided),
    (trial(.ran(guest(.notOk))), .killed),
    (trial(.ran(guest(reports: ["KASAN: x"]))), .killed),
    (trial(.ran(guest(ending: .panicked("Oops")))), .killed),
    (trial(.ran(guest(ending: .silent(seconds: 75)))), .killed),
    (trial(.ran(guest(ending: .panicked("Oops"), booted: false))), .killed),
    (trial(.ran(guest(ending: .runDeadline(seconds: 3))), .test("t", reason: "ok on base, not-ok")), .killed),
    (trial(.ran(guest(ending: .runDeadline(seconds: 3))), .report("WARNING in f")), .killed),
  ]

  @Test(arguments: fates.indices) func becomesWhatTheEvidenceSays(_ index: Int) {
    let (trial, fate) = Self.fates[index]
    let base = Self.trial(.ran(Self.guest()))
    let series = PatchSeries(name: "s", patches: [])
    let judged = JudgedMutant(Self.mutant, judge(series, trial: trial, base: base), arguments: Self.none)
    #expect(judged.fate == fate, "\(judged.reason)")
    #expect(!judged.reason.isEmpty)
  }

  /// If a fresh guest gives a different answer, the test is not evidence.
  @Test func aTestThatComesOutNowSoAndNowSoKillsNothing() {
    var trial = Self.trial(.ran(Self.guest(.notOk)))
    trial.again = [[TestResult(name: "t", status: .ok)]]
    let base = Self.trial(.ran(Self.guest()))
    let judged = JudgedMutant(
      Self.mutant, judge(PatchSeries(name: "s", patches: []), trial: trial, base: base), arguments: Self.none)
    #expect(judged.fate == .undecided)
  }

  /// In a mutated series, other code may not have run. That says nothing about this line.
  @Test func onlyTheMutatedFunctionDecidesWhetherItWasReached() {
    var trial = Self.trial(.ran(Self.guest()))
    trial.change?.pieces.append(
      CodeChange.Piece(kind: .function, name: "g", file: "drivers/b.c", carriers: ["g"]))
    let base = Self.trial(.ran(Self.guest()))
    let judged = JudgedMutant(
      Self.mutant, judge(PatchSeries(name: "s", patches: []), trial: trial, base: base), arguments: Self.none)
    #expect(judged.fate == .alive)
  }

  private static func line(_ number: Int, _ place: ChangedLine.Place) -> ChangedLine {
    ChangedLine(file: "drivers/a.c", number: number, text: "if (a <= b)", function: "f", place: place)
  }

  private static let watched = ChangedLine.Place.watched(
    LineWatch(
      ran: [LineWatch.Sight(probe: 0)],
      ways: [
        LineWatch.Way(words: "to line 4", sights: [LineWatch.Sight(probe: 0, taken: true)]),
        LineWatch.Way(words: "to line 5", sights: [LineWatch.Sight(probe: 0, taken: false)]),
      ]))

  static let reached: [(ChangedLine, [Int: [String: ProbeCount]], MutantFate)] = [
    (line(3, watched), [0: ["t": ProbeCount(hits: 2, taken: 1)]], .alive),
    // It ran and went one way, and still no test detected it.
    (line(3, watched), [0: ["t": ProbeCount(hits: 2, taken: 2)]], .alive),
    (line(3, watched), [:], .unreached),
    // The function ran, but another line of the change did not.
    (line(9, watched), [:], .alive),
    // The condition became constant: its function has different code, and ran.
    (line(3, .notCompiled("the compiler drops it")), [:], .alive),
    // Nothing is left of a deleted statement, but its function ran.
    (line(3, .noCode), [:], .alive),
    (line(3, .unseen("it is inlined")), [:], .alive),
  ]

  @Test(arguments: reached.indices) func theMutatedLineDecidesWhereItCanBeSeen(_ index: Int) {
    let (line, probes, fate) = Self.reached[index]
    var execution = Self.ran
    execution.probes = probes
    var trial = Self.trial(.ran(Self.guest(execution: execution)))
    trial.change?.lines = ChangedLines(lines: [line])
    let base = Self.trial(.ran(Self.guest()))
    let judged = JudgedMutant(
      Self.mutant, judge(PatchSeries(name: "s", patches: []), trial: trial, base: base), arguments: Self.none)
    #expect(judged.fate == fate, "\(judged.reason)")
  }

  /// A deleted statement has no line left, and the line that stands for it decides.
  @Test(arguments: [true, false]) func aLostStatementIsLookedForInWhatFollows(_ ran: Bool) {
    var follower = Self.line(5, Self.watched)
    follower.follows = true
    var execution = Self.ran
    execution.probes = ran ? [0: ["t": ProbeCount(hits: 2, taken: 1)]] : [:]
    var trial = Self.trial(.ran(Self.guest(execution: execution)))
    trial.change?.lines = ChangedLines(lines: [Self.line(3, .noCode), follower])
    let base = Self.trial(.ran(Self.guest()))
    let judged = JudgedMutant(
      Self.mutant, judge(PatchSeries(name: "s", patches: []), trial: trial, base: base), arguments: Self.none)
    #expect(judged.fate == (ran ? .alive : .unreached))
  }
}
