// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import Testing

@testable import Verdicts

/// A run in a cell: its series, each with its result.
private func run(
  _ results: [(PatchSeries, TrialResult?)], base: TrialResult? = .ran(guest([test("a/x", .ok), test("b/x", .notOk)])),
  cell: Cell = here
) -> RunRecord {
  let header = RunHeader(
    cell: cell, versions: RunHeader.Versions(source: "s", toolchain: "gcc", emulator: "q", patchbench: "1"),
    accelerator: .kvm, reason: "", processors: 2, series: results.map(\.0))
  var kinds: [BenchEvent.Kind] = [.runStarted(header)]
  func add(_ name: String?, _ result: TrialResult?) {
    guard let result else { return }
    var one = trial(result, cell: cell)
    one.series = name
    kinds.append(.trialFinished(one))
  }
  add(nil, base)
  for (series, result) in results { add(series.name, result) }
  kinds.append(.runFinished(interrupted: false))
  return RunRecord(kinds.map { BenchEvent(at: Date(timeIntervalSince1970: 0), kind: $0) })!
}

private func named(_ name: String, change: String? = nil) -> PatchSeries {
  var series = PatchSeries(name: name, patches: [patch])
  series.origin = SeriesOrigin()
  series.origin?.changeID = change
  return series
}

private func answers(_ a: TestStatus, _ b: TestStatus, reports: [String] = []) -> TrialResult {
  .ran(guest([test("a/x", a), test("b/x", b)], reports: reports))
}

private func difference(_ then: TrialResult?, _ now: TrialResult?) -> SeriesDifference {
  RunDifference(then: run([(candidate, then)]), now: run([(candidate, now)])).series[0]
}

private let doesNotApply = TrialResult.doesNotApply(ApplyFailure(patch: patch, file: nil, hunk: nil, message: "no"))

@Suite("Two runs beside each other") struct RunDifferenceTests {
  @Test("what is the same is no difference") func same() {
    let seen = difference(
      answers(.crash, .ok, reports: ["WARNING in f"]), answers(.crash, .ok, reports: ["WARNING in f"]))
    #expect(seen.isSame && !seen.gotWorse)
    let whole = RunDifference(then: run([(candidate, answers(.ok, .ok))]), now: run([(candidate, answers(.ok, .ok))]))
    #expect(whole.moves.isEmpty && whole.base == OneSided() && whole.obstacle == nil && !whole.gotWorse)
  }

  @Test("tests and reports that only one run has") func tests() {
    let then = answers(.ok, .ok, reports: ["old", "both"])
    let now = answers(.notOk, .notOk, reports: ["both", "new", "new"])
    let there = difference(then, now)
    #expect(there.worse == OneSided(new: ["a/x"]))
    #expect(there.fixed == OneSided(gone: ["b/x"]))
    #expect(there.reports == OneSided(new: ["new"], gone: ["old"]))
    #expect(there.gotWorse && !there.isSame)
    let back = difference(now, then)
    #expect(back.worse == OneSided(gone: ["a/x"]))
    #expect(back.fixed == OneSided(new: ["b/x"]))
    #expect(back.reports == OneSided(new: ["old"], gone: ["new"]))
  }

  @Test("a report that is gone, or a test that is fixed, is not worse") func better() {
    #expect(!difference(answers(.crash, .notOk, reports: ["old"]), answers(.ok, .ok)).gotWorse)
    #expect(difference(answers(.ok, .ok), answers(.ok, .notOk)).gotWorse)
    #expect(difference(answers(.ok, .ok), answers(.ok, .ok, reports: ["new"])).gotWorse)
  }

  @Test("what the base fixes itself is no longer fixed by the series, and that is not worse") func fixedByTheBase() {
    let then = run([(candidate, answers(.ok, .ok))])
    let now = run([(candidate, answers(.ok, .ok))], base: .ran(guest([test("a/x", .ok), test("b/x", .ok)])))
    let seen = RunDifference(then: then, now: now)
    #expect(seen.base == OneSided(gone: ["b/x"]))
    #expect(seen.series[0].fixed == OneSided(gone: ["b/x"]))
    #expect(seen.series[0].then.verdict == .fixes && seen.series[0].now.verdict == .clean)
    #expect(!seen.gotWorse)
  }

  @Test("a test without an answer in one run has not changed") func unanswered() {
    let there = difference(answers(.notOk, .ok), answers(.missing, .missing))
    #expect(there.worse.isEmpty && there.fixed.isEmpty)
    #expect(there.uncompared == 2)
    let back = difference(answers(.missing, .missing), answers(.notOk, .ok))
    #expect(back.worse.isEmpty && back.fixed.isEmpty)
  }

  @Test("a test that ends its guest is worse, though it has no result") func deaths() {
    var ended = guest([test("a/x", .missing), test("b/x", .notOk)])
    ended.deaths = [GuestDeath(test: "a/x", ending: .stoppedEarly)]
    #expect(difference(answers(.ok, .notOk), .ran(ended)).worse == OneSided(new: ["a/x"]))
    #expect(difference(.ran(ended), answers(.ok, .notOk)).worse == OneSided(gone: ["a/x"]))
  }

  @Test("what only the test driver provokes does not count") func onlyOurs() {
    let name = "history/pbtest_plain-to-plain/merged"
    let base = TrialResult.ran(guest([test(name, .ok)]))
    let seen = RunDifference(
      then: run([(candidate, .ran(guest([test(name, .ok)])))], base: base),
      now: run([(candidate, .ran(guest([test(name, .notOk)])))], base: base))
    #expect(seen.series[0].worse.isEmpty)
  }

  @Test("questions of design") func design() {
    let base = TrialResult.ran(guest([test("a/x", .ok, "one:ok", "where@file:ok")]))
    let other = TrialResult.ran(guest([test("a/x", .notOk, "one:ok", "where@file:bad")]))
    let seen = RunDifference(
      then: run([(candidate, base)], base: base), now: run([(candidate, other)], base: base)
    ).series[0]
    #expect(seen.design == [.file: OneSided(new: ["a/x"])])
    #expect(seen.worse.isEmpty && !seen.gotWorse && !seen.isSame)
  }

  @Test(
    "verdicts without a guest",
    arguments: [
      (answers(.ok, .notOk), doesNotApply, true), (doesNotApply, answers(.ok, .notOk), false),
      (doesNotApply, doesNotApply, false),
      (.doesNotBuild(BuildFailure(diagnostics: [], tail: [])), doesNotApply, true),
    ] as [(TrialResult, TrialResult, Bool)])
  func verdicts(then: TrialResult, now: TrialResult, isWorse: Bool) {
    let seen = difference(then, now)
    #expect(seen.obstacle == nil && seen.gotWorse == isWorse && seen.worse.isEmpty)
  }

  @Test("what was not judged cannot be compared") func obstacles() {
    let fault = TrialResult.fault(HarnessFault(stage: .build, message: "no space"))
    for (then, now) in [
      (nil, answers(.ok, .ok)), (answers(.ok, .ok), nil), (fault, answers(.ok, .ok)), (answers(.ok, .ok), .interrupted),
    ] {
      let seen = difference(then, now)
      #expect(seen.obstacle != nil && !seen.gotWorse && !seen.isSame)
    }
    // A base that did not complete has no tests to be worse than.
    let broken = run([(candidate, answers(.crash, .crash))], base: .ran(guest([], ending: .runDeadline(seconds: 1))))
    let seen = RunDifference(then: run([(candidate, answers(.ok, .ok))]), now: broken)
    #expect(seen.series[0].obstacle?.contains("the base does not complete") == true)
    #expect(seen.base == nil && seen.obstacle == "1 series cannot be compared")
    #expect(RunsDifference(then: [run([(candidate, answers(.ok, .ok))])], now: [broken]).exitStatus == 3)
  }

  @Test("the ground that moved") func moves() {
    let then = run([(candidate, answers(.ok, .ok))])
    var now = then
    now.header.cell.kernel = "linux-7.3"
    now.header.source = "other"
    #expect(now.moves(since: then).map(\.what) == ["kernel", "source"])
    #expect(now.moves(since: then)[0] == Move(what: "kernel", then: "linux-6.12", now: "linux-7.3"))
    #expect(then.moves(since: then).isEmpty)
    var configured = (then, then)
    let conditions = { (base: String, guest: String) in
      RunConditions(
        program: "p", base: base, driver: "d", guestBinary: guest, emulator: "q", accelerator: .kvm, devices: [])
    }
    configured.0.header.conditions = conditions("0123456789abcdef", "g")
    configured.1.header.conditions = conditions("fedcba9876543210", "h")
    #expect(
      configured.1.moves(since: configured.0) == [
        Move(what: "configuration", then: "0123456789ab", now: "fedcba987654"),
        Move(what: "guest tests", then: "g", now: "h"),
      ])
    // What an old record does not know has not moved.
    #expect(configured.1.moves(since: then).isEmpty)
  }

  @Test("a run without series is its base") func baseOnly() {
    let good = run([], base: .ran(guest([test("a/x", .ok)])))
    let bad = run([], base: .ran(guest([test("a/x", .notOk)], reports: ["new"])))
    let seen = RunDifference(then: good, now: bad)
    #expect(seen.base == OneSided(new: ["a/x"]) && seen.baseReports == OneSided(new: ["new"]))
    #expect(RunsDifference(then: [good], now: [bad]).exitStatus == 1)
    #expect(RunsDifference(then: [bad], now: [good]).exitStatus == 0)
    #expect(RunsDifference(then: [good], now: [run([], base: nil)]).exitStatus == 3)
  }

  @Test(
    "series match by name, change-id, version, or because there is one on each side",
    arguments: [
      (["a", "b"], ["b", "a"], ["b b", "a a"]), (["x-v3", "y"], ["x-v4", "y"], ["x-v3 x-v4", "y y"]),
      (["x", "y"], ["x-v2", "z"], ["x x-v2"]), (["v3", "y"], ["v4", "z"], ["v3 v4"]),
      (["x-v3", "x-v4"], ["x-v4", "x-v5"], ["x-v4 x-v4"]), (["x-v2", "x-v3"], ["x-v9", "y"], ["x-v3 x-v9"]),
      (["old"], ["new"], ["old new"]), (["old", "b"], ["new"], []), (["p=1", "q"], ["r=1", "s"], ["p r"]),
      ([], ["a"], []),
    ])
  func pairs(then: [String], now: [String], expected: [String]) {
    func series(_ words: [String]) -> [PatchSeries] {
      words.map { word in
        let parts = word.split(separator: "=").map(String.init)
        return named(parts[0], change: parts.count > 1 ? parts[1] : nil)
      }
    }
    let (then, now) = (series(then), series(now))
    let found = SeriesPairs(then, now)
    #expect(found.pairs.map { "\(then[$0.then].name) \(now[$0.now].name)" } == expected)
    #expect(found.onlyThen.count == then.count - expected.count && found.onlyNow.count == now.count - expected.count)
  }

  @Test("series of one run are only named") func onlyOne() {
    let seen = RunDifference(
      then: run([(named("a"), answers(.ok, .ok)), (named("b"), answers(.ok, .ok))]),
      now: run([(named("a"), answers(.ok, .ok)), (named("c"), doesNotApply)]))
    #expect(seen.onlyThen == [NamedVerdict(name: "b", verdict: .fixes)])
    #expect(seen.onlyNow == [NamedVerdict(name: "c", verdict: .doesNotApply)])
    #expect(!seen.gotWorse && seen.obstacle == nil)
  }

  @Test("several runs are compared cell by cell") func cells() {
    func cell(_ kernel: String, _ profile: String) -> RunRecord {
      var cell = here
      (cell.kernel, cell.profile) = (kernel, profile)
      return run([(candidate, answers(.ok, .ok))], cell: cell)
    }
    let then = [cell("6.1", "kasan"), cell("6.12", "kasan"), cell("6.12", "ubsan"), cell("6.12", "gone")]
    let now = [cell("6.12", "kasan"), cell("7.3", "ubsan"), cell("6.1", "kasan"), cell("6.1", "new")]
    let seen = RunsDifference(then: then, now: now)
    #expect(
      seen.cells.map { "\($0.then.kernel) \($0.then.profile) \($0.now.kernel)" }
        == ["6.12 kasan 6.12", "6.12 ubsan 7.3", "6.1 kasan 6.1"])
    #expect(seen.onlyThen.map(\.profile) == ["gone"] && seen.onlyNow.map(\.profile) == ["new"])
    #expect(seen.exitStatus == 0)
    // The later command should have run it.
    let gap = CellGap(kernel: "6.12", profile: "gone", reason: "no compiler")
    let held = RunsDifference(then: then, now: now, gaps: [gap, CellGap(kernel: "1", profile: "x", reason: "")])
    #expect(held.gaps == [gap] && held.exitStatus == 3)
    // One run against one run, whatever their cells; but not against several others.
    #expect(RunsDifference(then: [then[0]], now: [now[1]]).cells.count == 1)
    #expect(RunsDifference(then: [then[0]], now: [now[1], now[3]]).exitStatus == 3)
  }
}
