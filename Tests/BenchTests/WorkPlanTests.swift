// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import Bench
@testable import SeriesIntake

private func item(_ name: String, _ patches: [String], objects: [Int]) -> WorkItem {
  WorkItem(
    one: ReadSeries(series: PatchSeries(name: name, patches: []), diffs: []), key: patches.joined(), patches: patches,
    objects: objects)
}

@Suite struct WorkPlanTests {
  @Test func theLongestComesFirstAndEqualOnesByName() {
    let order = WorkPlan.order([
      item("b", ["1"], objects: [1]), item("a", ["2"], objects: [1]), item("hot", ["3"], objects: [1500]),
      item("c", ["4", "5"], objects: [0, 3]),
    ])
    #expect(order.map(\.one.series.name) == ["hot", "c", "a", "b"])
    #expect(order.allSatisfy { $0.shared == 0 })
  }

  @Test func leadingPatchesThatTouchMuchAreShared() {
    let order = WorkPlan.order([
      item("x", ["h", "i", "p"], objects: [100, 100, 101]), item("other", ["o"], objects: [1]),
      item("y", ["h", "i", "q"], objects: [100, 100, 102]), item("z", ["h", "i"], objects: [100, 100]),
    ])
    #expect(order.map(\.one.series.name) == ["y", "x", "z", "other"])
    #expect(order.map(\.shared) == [2, 2, 2, 0])
    #expect(Set(order.prefix(3).map(\.layer)) == [["h", "i"]])
  }

  @Test func leadingPatchesThatTouchLittleAreNot() {
    let order = WorkPlan.order([
      item("x", ["h", "p"], objects: [3, 200]), item("y", ["h", "q"], objects: [3, 200]),
    ])
    #expect(order.map(\.shared) == [0, 0])
  }

  @Test func theSamePatchLaterInASeriesIsNotShared() {
    let order = WorkPlan.order([
      item("x", ["a", "h"], objects: [1, 100]), item("y", ["h", "a"], objects: [100, 100]),
    ])
    #expect(order.map(\.shared) == [0, 0])
  }
}

@Suite struct TimingsTests {
  private let cell = Cell(
    kernel: "k", profile: "p", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")

  private func trial(_ series: String?, _ seconds: StageSeconds, _ work: BuildWork?, reused: Bool = false) -> Trial {
    let run = GuestRun(
      release: nil, accelerator: .tcg, ending: .completed, booted: true, tests: [], reports: [], anomalies: [],
      lastLines: [])
    return Trial(series: series, cell: cell, seconds: seconds, work: work, reused: reused, result: .ran(run))
  }

  @Test func theyAreLearnedFromWhatWasRun() {
    var timings = Timings()
    timings.learn(
      trial(
        "s",
        StageSeconds([
          .apply: 0.5, .configure: 1, .compile: 5, .link: 3, .examine: 0.5, .start: 0.5, .boot: 4, .tests: 6,
        ]),
        BuildWork(method: .replay, objects: 12, cached: 2)), isWhole: true)
    #expect(timings.object == 0.5)
    #expect(timings.link == 5)
    #expect(timings.guest == 10.5)
    #expect(timings.buildSeconds(objects: 4) == 7)
    #expect(timings.base == nil)
    timings.learn(
      trial(nil, StageSeconds([.configure: 20, .compile: 200, .link: 5, .boot: 2, .tests: 4]), nil), isWhole: true)
    #expect(timings.base == 225)
    #expect(timings.guest == 8.25)
    // A few tests say nothing about the whole suite, and one object says only how long the rest of a build takes.
    timings.learn(
      trial(
        "few", StageSeconds([.compile: 9, .link: 5, .boot: 2, .tests: 1]),
        BuildWork(method: .replay, objects: 1, cached: 0)), isWhole: false)
    #expect(timings.object == 0.5 && timings.guest == 8.25)
  }

  @Test("what was never seen on this machine is not expected, not even by a guess")
  func expectations() {
    let unknown = Timings().expected("s", objects: 4, extent: .boot)
    #expect(unknown == .expected(series: "s", build: nil, tests: nil))
    let known = Timings(object: 0.5, link: 5, guest: 9)
    #expect(known.expected("s", objects: 4, extent: .boot) == .expected(series: "s", build: 7, tests: 9))
    #expect(known.expected("s", objects: nil, extent: .boot) == .expected(series: "s", build: nil, tests: 9))
    #expect(known.expected("s", objects: 4, extent: .build) == .expected(series: "s", build: 7, tests: 0))
    #expect(known.expected(nil, objects: nil, extent: .boot) == .expected(series: nil, build: 0, tests: 9))
  }

  @Test func whatWasNotRunTeachesNothing() {
    var timings = Timings()
    timings.learn(
      trial("s", StageSeconds([.compile: 5, .link: 3, .boot: 4, .tests: 6]), nil, reused: true), isWhole: true)
    timings.learn(
      trial("t", StageSeconds([.configure: 1]), BuildWork(method: .unchanged, objects: 0, cached: 0)), isWhole: false)
    timings.learn(
      trial("u", StageSeconds([.compile: .nan, .link: 2]), BuildWork(method: .kbuild, objects: 9, cached: 0)),
      isWhole: false)
    #expect(timings == Timings(link: 2))
  }
}
