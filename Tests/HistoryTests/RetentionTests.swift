// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import TestSupport
import Testing
import Toolbox

@testable import History

@Suite("What goes of the history") struct RetentionTests {
  private static let day = 86_400.0
  private static let now = Nights.date(100)

  private static func trial(_ name: String, _ verdict: Verdict = .clean, last: Bool = false, _ bytes: Int64 = 10)
    -> KeptTrial
  {
    KeptTrial(name: name, verdict: verdict, isLast: last, bytes: bytes)
  }

  /// A run in a night, some days ago, whose base has 5 bytes.
  private static func run(
    _ days: Double, _ trials: [KeptTrial], _ place: KeptRun.Place = .night(isProtected: false)
  ) -> KeptRun {
    var run = KeptRun(
      number: Int64(days), directory: "/s/nights/\(Int(days))/r", started: now - days * day, place: place,
      trials: trials)
    run.rest = 5
    return run
  }

  /// Each step as `90: a b +base` or `90: rows`, with the days ago.
  private static func words(_ plan: RetentionPlan) -> [String] {
    plan.steps.map { step in
      "\(step.run): "
        + (step.series + (step.base ? ["+base"] : []) + (step.rows ? ["rows"] : [])).joined(separator: " ")
    }
  }

  private static let nights = [
    run(90, [trial("a"), trial("b", .regresses), trial("old", last: true)]),
    run(60, [trial("a"), trial("b", .doesNotBoot)]),
    run(40, [trial("a", .doesNotBuild)]),
    run(20, [trial("a"), trial("b", .regresses)]),
    run(0, [trial("a", last: true), trial("b", last: true)], .night(isProtected: true)),
  ]

  @Test(
    "the oldest first, what regresses last, rows after all evidence; what is last of a series stays",
    arguments: [
      (KeepLimits(), []),
      (KeepLimits(evidence: 30 * day), ["90: a", "60: a", "40: a +base"]),
      (KeepLimits(evidence: 100 * day), []),
      // 125 bytes in all.
      (KeepLimits(size: 125), []),
      (KeepLimits(size: 124), ["90: a"]),
      (KeepLimits(size: 105), ["90: a", "60: a"]),
      (KeepLimits(size: 100), ["90: a", "60: a", "40: a +base"]),
      (KeepLimits(size: 85), ["90: a", "60: a", "40: a +base", "20: a"]),
      (KeepLimits(size: 70), ["90: a", "60: a", "40: a +base", "20: a", "90: b"]),
      (KeepLimits(size: 0), ["90: a", "60: a", "40: a +base", "20: a", "90: b", "60: b +base", "20: b +base"]),
      // Age before size: the size is what is left after it.
      (KeepLimits(evidence: 50 * day, size: 100), ["90: a", "60: a", "40: a +base"]),
      // With its rows, what regresses goes, too. The last trial keeps its run.
      (KeepLimits(rows: 50 * day), ["60: a", "60: b +base", "60: rows"]),
      (KeepLimits(rows: 30 * day), ["60: a", "40: a +base", "60: b +base", "60: rows", "40: rows"]),
    ] as [(KeepLimits, [String])])
  func order(_ limits: KeepLimits, _ steps: [String]) {
    let plan = RetentionPlan(Self.nights, limits: limits, now: Self.now)
    #expect(Self.words(plan) == steps)
    #expect(plan.bytes + plan.staying == 125)
  }

  @Test("what is protected stays above the limit, and that is told")
  func above() {
    let plan = RetentionPlan(Self.nights, limits: KeepLimits(size: 30), now: Self.now)
    #expect(plan.staying == 40)
    #expect(plan.isAboveLimit)
    #expect(!RetentionPlan(Self.nights, limits: KeepLimits(size: 40), now: Self.now).isAboveLimit)
  }

  @Test("runs elsewhere and other nights are never touched; the rows of a run that is not there go by age")
  func elsewhere() {
    let trials = [Self.trial("a"), Self.trial("b", .regresses)]
    let limits = KeepLimits(evidence: Self.day, size: 0, rows: 2 * Self.day)
    let runs = [
      Self.run(90, trials, .elsewhere(isThere: true)), Self.run(80, trials, .other),
      Self.run(70, trials, .elsewhere(isThere: false)), Self.run(1, trials, .elsewhere(isThere: false)),
      Self.run(60, [Self.trial("c", last: true)], .elsewhere(isThere: false)),
    ]
    let plan = RetentionPlan(runs, limits: limits, now: Self.now)
    #expect(Self.words(plan) == ["70: rows"])
    #expect(plan.steps.allSatisfy { !$0.isInNight })
    #expect(plan.elsewhere == ["/s/nights/90/r"])
    #expect(plan.staying == 0)
  }

  @Test("what a stopped prune promised goes, whatever the limits are now")
  func unfinished() {
    var (one, two, three) = (Self.nights[0], Self.nights[1], Self.nights[2])
    one.trials[1].isUnfinished = true
    two.isUnfinished.rows = true
    three.trials[0].bytes = 0
    three.rest = 0
    three.isUnfinished.report = true
    let plan = RetentionPlan([one, two, three], limits: KeepLimits(rows: 900 * Self.day), now: Self.now)
    #expect(Self.words(plan) == ["60: a", "40: ", "90: b", "60: b +base", "60: rows"])
  }

  @Test("a run without series loses its base by age only")
  func alone() {
    let run = Self.run(50, [])
    #expect(Self.words(RetentionPlan([run], limits: KeepLimits(size: 0), now: Self.now)).isEmpty)
    #expect(
      Self.words(RetentionPlan([run], limits: KeepLimits(evidence: 40 * Self.day), now: Self.now)) == ["50: +base"])
  }

  @Test(
    arguments: [
      ("30d", 30 * day, nil), ("2w", 14 * day, nil), ("1y", 365 * day, nil), ("0d", 0, nil), ("500M", nil, 500 << 20),
      ("20G", nil, 20 << 30), ("1T", nil, 1 << 40), ("0G", nil, 0), ("d", nil, nil), ("-1d", nil, nil),
      ("1.5d", nil, nil), ("30 d", nil, nil), ("30", nil, nil), ("123456d", nil, nil), ("20g", nil, nil),
      ("6h", nil, nil), ("", nil, nil), ("٣d", nil, nil),
    ] as [(String, Double?, Int64?)])
  func limits(_ text: String, _ age: Double?, _ size: Int64?) {
    #expect(KeepLimits.age(text) == age)
    #expect(KeepLimits.size(text) == size)
  }

  @Test("forgotten rows leave nothing behind: made again from the other runs, the history is the same")
  func forgotten() throws {
    let (scratch, again) = (try Scratch(), try Scratch())
    let store = try HistoryStore(in: scratch.path)
    let gone = Nights.run(
      0, [Nights.base(["b/x"]), Nights.series("only-then", .regresses, worse: ["a/x"], reports: ["WARNING in g"])],
      cell: Nights.cell(of: "linux-5.10"))
    let left = Nights.run(1, [Nights.base(), Nights.series("s-v2", .clean, flaky: ["a/y"])])
    for run in [gone, left] { try store.add(run) }
    let runs = try store.keptRuns()
    #expect(runs.map(\.directory) == [gone.directory, left.directory])
    #expect(runs.map { $0.trials.map(\.isLast) } == [[true], [true]])
    #expect(try store.patches(ofRun: runs[1].number) == ["s-v2": ["id of s-v2"]])
    try store.noteGone(ofRun: runs[1].number, series: ["s-v2"], base: false)
    #expect(try store.trials(of: "s").map(\.hasEvidence) == [false])
    try store.forget(run: runs[0].number)
    #expect(HistoryStore.listed(in: scratch.path) == [left.directory])
    var row = left
    row.trials[1].hasEvidence = false
    try HistoryStore.rebuild(in: again.path, from: [row])
    let made = try HistoryStore(in: again.path)
    for kind in HistoryStore.Kind.allCases { #expect(try store.all(kind) == made.all(kind)) }
    #expect(try store.all(.kernel) == ["linux-6.12"])
    #expect(try made.trials(of: "s").map(\.hasEvidence) == [false])
    #expect(try store.report("WARNING in g") == nil)
  }
}
