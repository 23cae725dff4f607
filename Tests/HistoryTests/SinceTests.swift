// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import TestSupport
import Testing

@testable import History

@Suite struct SinceTests {
  private let scratch: Scratch
  private let store: HistoryStore

  init() throws {
    scratch = try Scratch()
    store = try HistoryStore(in: scratch.path)
  }

  /// What changed in the last of some nights.
  private func changes(_ nights: [TrialRow]...) throws -> Changes {
    for (night, trials) in nights.enumerated() { try store.add(Nights.run(night, trials)) }
    return try store.changes(since: #require(try store.lastCommand()))
  }

  @Test("two equal nights differ in nothing")
  func nothing() throws {
    let night = [Nights.base(["b/x"]), Nights.series("s", .regresses, worse: ["a/x"], reports: ["WARNING in f"])]
    let changes = try changes(night, night)
    #expect(changes.isEmpty)
    #expect(!changes.gotWorse)
  }

  @Test("a series that got worse is told with the tests and reports that are new")
  func broken() throws {
    let changes = try changes(
      [Nights.base(), Nights.series("s", .regresses, worse: ["a/x"])],
      [Nights.base(), Nights.series("s", .regresses, worse: ["a/x", "b/x"], reports: ["WARNING in f"])])
    #expect(changes.broken.map(\.tests) == [["b/x"]])
    #expect(changes.broken.map(\.reports) == [["WARNING in f"]])
    #expect(changes.fixed.isEmpty)
    #expect(changes.gotWorse)
  }

  @Test(
    "the verdict decides before the tests",
    arguments: [
      (Verdict.clean, Verdict.regresses, true), (.fixes, .regresses, true), (.clean, .inconclusive, true),
      (.clean, .doesNotApply, true), (.regresses, .clean, false), (.doesNotBuild, .regresses, false),
      (.inconclusive, .fixes, false),
    ])
  func verdicts(_ then: Verdict, _ now: Verdict, _ isWorse: Bool) throws {
    let changes = try changes([Nights.base(), Nights.series("s", then)], [Nights.base(), Nights.series("s", now)])
    #expect(changes.broken.count == (isWorse ? 1 : 0))
    #expect(changes.fixed.count == (isWorse ? 0 : 1))
  }

  @Test("a fix that is lost counts while the base still fails, and a fix that is new if the base failed before")
  func fixes() throws {
    let (fails, fixes) = (Nights.base(["b/x"]), Nights.series("s", .fixes, fixed: ["b/x"]))
    let lost = try changes([fails, fixes], [fails, Nights.series("s", .clean)])
    #expect(lost.broken.map(\.tests) == [["b/x"]])
    try store.add(Nights.run(2, [fails, fixes]))
    #expect(try store.changes(since: Nights.date(2)).fixed.map(\.tests) == [["b/x"]])
    // The base got better by itself.
    try store.add(Nights.run(3, [Nights.base(), Nights.series("s", .clean)]))
    #expect(try store.changes(since: Nights.date(3)).broken.isEmpty)
    try store.add(Nights.run(4, [fails, fixes]))
    #expect(try store.changes(since: Nights.date(4)).fixed.isEmpty)
  }

  @Test("versions of a series are one series")
  func versions() throws {
    let changes = try changes(
      [Nights.base(), Nights.series("fix-v3", .regresses, worse: ["a/x"])],
      [Nights.base(), Nights.series("fix-v4", .clean)])
    #expect(changes.new.isEmpty && changes.gone.isEmpty)
    #expect(changes.fixed.map(\.then.name) == ["fix-v3"])
    #expect(changes.fixed.map(\.now.name) == ["fix-v4"])
    #expect(changes.fixed.map(\.tests) == [["a/x"]])
    #expect(try store.trials(of: "fix-v3").map(\.version) == [4, 3])
    #expect(try store.trials(of: "<fix-v4@example.org>").count == 2)
  }

  @Test("a series is gone if the night before had it, and not if it went earlier")
  func gone() throws {
    let all = [Nights.base(), Nights.series("s", .clean), Nights.series("old", .clean)]
    let changes = try changes(
      all, [Nights.base(), Nights.series("s", .clean)], [Nights.base(), Nights.series("t", .regresses)])
    #expect(changes.gone.map(\.name) == ["s"])
    #expect(changes.new.map(\.name) == ["t"])
    #expect(changes.gotWorse)
  }

  @Test("a cell that did not run says nothing of its series")
  func otherCell() throws {
    var other = Nights.cell
    other.kernel = "linux-6.1"
    try store.add(Nights.run(0, [Nights.base(), Nights.series("s", .clean)]))
    try store.add(Nights.run(0, [Nights.base(), Nights.series("s", .clean)], cell: other, hour: 1))
    try store.add(Nights.run(1, [Nights.base(), Nights.series("s", .clean)]))
    #expect(try store.changes(since: Nights.date(1)).isEmpty)
    // Both runs of the first command count as its beginning.
    #expect(try store.start(of: "/results/0/linux-6.1") == Nights.date(0))
    #expect(try store.start(of: "/results/9") == nil)
  }

  @Test("a run of only some tests is in the history, and nothing is compared with it")
  func part() throws {
    try store.add(Nights.run(0, [Nights.base(), Nights.series("s", .clean)]))
    var part = Nights.run(1, [Nights.base(["a/x"]), Nights.series("s", .regresses, worse: ["a/x"])])
    part.isPart = true
    try store.add(part)
    #expect(try store.changes(since: Nights.date(1)).isEmpty)
    #expect(try store.latest().map(\.verdict) == [.clean])
    #expect(try store.trials(of: "s").map(\.isPart) == [true, false])
    try store.add(Nights.run(2, [Nights.base(), Nights.series("s", .clean)]))
    #expect(try store.changes(since: Nights.date(2)).isEmpty)
  }

  @Test("a run of tomorrow shows that a clock was wrong")
  func clock() throws {
    #expect(try !store.isAhead(of: Nights.date(0)))
    try store.add(Nights.run(1, [Nights.base()]))
    #expect(try store.isAhead(of: Nights.date(0)))
    #expect(try !store.isAhead(of: Nights.date(1)))
  }

  @Test("a flaky test is told once, with how often it was flaky before")
  func flaky() throws {
    let flaky = [Nights.base(), Nights.series("s", .clean, flaky: ["a/y"])]
    let calm = [Nights.base(), Nights.series("s", .clean)]
    let changes = try changes(flaky, calm, flaky)
    #expect(changes.flaky.map(\.test) == ["a/y"])
    // Of two nights, with the base and a series each.
    #expect(changes.flaky.map(\.before) == [1])
    #expect(changes.flaky.map(\.of) == [4])
    try store.add(Nights.run(3, flaky))
    #expect(try store.changes(since: Nights.date(3)).flaky.isEmpty)
  }

  @Test("a base that moved is told with what moved, and with its tests")
  func base() throws {
    try store.add(Nights.run(0, [Nights.base(["a/x"])]))
    try store.add(Nights.run(1, [Nights.base(["b/x"])], source: "6.12.2"))
    let changes = try store.changes(since: Nights.date(1))
    #expect(changes.bases.map(\.moves) == [[BaseMove(what: "source", then: "6.12.1", now: "6.12.2")]])
    #expect(changes.bases.map(\.failing) == [["b/x"]])
    #expect(changes.bases.map(\.passing) == [["a/x"]])
    #expect(changes.gotWorse)
  }

  @Test("a trial is slower beside the median of those before", arguments: [(61.0, 0), (95, 1)])
  func slower(_ seconds: Double, _ count: Int) throws {
    let changes = try changes(
      [Nights.base(), Nights.series("s", .clean, seconds: 40)],
      [Nights.base(), Nights.series("s", .clean, seconds: 500)],
      [Nights.base(), Nights.series("s", .clean, seconds: 41)],
      [Nights.base(), Nights.series("s", .clean, seconds: seconds)])
    #expect(changes.slower.map(\.usual) == Array(repeating: 41, count: count))
  }

  @Test("another matrix on the same cell has its own news: what only it tried is neither new nor gone here")
  func others() throws {
    func add(_ night: Int, _ hour: Int, _ matrix: String, _ trials: [TrialRow]) throws {
      var run = Nights.run(night, [Nights.base()] + trials, hour: hour)
      run.directory = "/\(matrix)/\(night)"
      run.command = run.directory
      try store.add(run)
    }
    try add(0, 0, "one", [Nights.series("a", .clean), Nights.series("b", .clean)])
    try add(0, 1, "two", [Nights.series("c", .clean)])
    try add(1, 0, "one", [Nights.series("a", .clean)])
    try add(1, 1, "two", [Nights.series("d", .regresses)])
    let others: Set = ["/two/0", "/two/1"]
    let own = try store.changes(since: Nights.date(1), ignoring: others)
    #expect(own.gone.map(\.name) == ["b"])
    #expect(own.new.isEmpty && !own.gotWorse)
    let all = try store.changes(since: Nights.date(1))
    #expect(all.gone.map(\.name) == ["c"])
    #expect(all.new.map(\.name) == ["d"])
  }
}
