// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing
import Verdicts

@testable import Bench

@Suite("What breaks bisection")
struct PatchTableTests {
  private typealias Symptom = BisectionBreak.Symptom

  /// The answer of a kernel to which tests are good (lower case) or bad (upper case): `aB`.
  private func answer(_ tests: String) -> PatchAnswer {
    var answer = PatchAnswer()
    answer.good = Set(tests.filter(\.isLowercase).map(String.init))
    answer.groups = tests.filter(\.isUppercase).map { [$0.lowercased()] }
    answer.worse = Set(answer.groups.joined())
    return answer
  }

  private func table(
    _ patches: [Int], _ answers: [Int: String], worse: Set<String> = []
  ) -> PatchTable {
    var table = PatchTable(patches, worse: worse, titles: [])
    for (number, tests) in answers {
      table.take(answer(tests), of: number, to: tests.map { $0.lowercased() })
    }
    return table
  }

  private func words(_ table: PatchTable) -> [String] {
    table.breaks.map { "\($0.symptom.name): \($0.lastGood) \($0.number) \($0.lastBad) \($0.cure)" }
  }

  @Test(
    "for each test: the last good patch, the first bad one, the last bad one, and the cure",
    arguments: [
      ([1, 2], [1: "A"], ["a: 0 1 1 2"]),
      ([1, 2], [1: "a"], []),
      ([1, 2, 3, 4], [1: "a", 2: "A", 3: "a"], ["a: 1 2 2 3"]),
      ([1, 2, 3, 4], [1: "A", 2: "A", 3: "A"], ["a: 0 1 3 4"]),
      // Broken twice.
      ([1, 2, 3, 4], [1: "A", 2: "a", 3: "A"], ["a: 0 1 1 2", "a: 2 3 3 4"]),
      // Two tests, one patch each.
      ([1, 2, 3], [1: "Ab", 2: "aB"], ["a: 0 1 1 2", "b: 1 2 2 3"]),
      // No answer after patches 1 and 3.
      ([1, 2, 3, 4], [2: "A"], ["a: 0 2 2 4"]),
      // Patches 2 and 4 change nothing, and the kernel after patch 5 is the whole's.
      ([1, 3, 5], [1: "a", 3: "A"], ["a: 2 3 4 5"]),
      ([3, 5], [3: "A"], ["a: 2 3 4 5"]),
    ])
  func breaks(_ patches: [Int], _ answers: [Int: String], _ expected: [String]) {
    #expect(words(table(patches, answers)) == expected)
  }

  @Test("what is worse with the whole series does not break bisection only")
  func whole() {
    #expect(words(table([1, 2], [1: "AB"], worse: ["a"])) == ["b: 0 1 1 2"])
    var table = PatchTable([1, 2], worse: [], titles: ["WARNING in x"])
    var answer = PatchAnswer()
    answer.reports = ["WARNING in x", "WARNING in y"].map { Symptom(kind: .report, name: $0, test: "a") }
    table.take(answer, of: 1, to: ["a"])
    #expect(table.breaks.map(\.symptom.name) == ["WARNING in y"])
  }

  @Test("a kernel that does not boot is cured by one that does, whatever it says of tests")
  func kernel() {
    var table = PatchTable([1, 2, 3, 4], worse: [], titles: [])
    table.take(PatchAnswer(kernel: "does not boot: a"), of: 1, to: ["a"])
    table.take(PatchAnswer(kernel: "does not build: b"), of: 2, to: [])
    table.take(PatchAnswer(isBase: true), of: 3, to: [])
    #expect(words(table) == ["does not boot: a: 0 1 2 3"])
    // It would say the same again.
    #expect(table.closed == [1, 2])
    #expect(table.question == nil)
  }

  @Test("groups of tests that fail alike are told once, by their first test")
  func alike() {
    var table = PatchTable([1, 2, 3], worse: [], titles: [])
    var answer = PatchAnswer()
    answer.groups = [["a", "b", "c"]]
    table.take(answer, of: 1, to: ["a", "b", "c"])
    answer.groups = [["a", "b"]]
    answer.good = ["c"]
    table.take(answer, of: 2, to: ["a", "b", "c"])
    #expect(table.breaks.map(\.symptom) == [Symptom(kind: .test, name: "a", alike: 2)])
    #expect(words(table) == ["a: 0 1 2 3"])
  }

  @Test("patches that were left out are asked, the middle one first")
  func questions() {
    var table = table([1, 2, 3, 4, 5, 6, 7, 8], [4: "A"])
    var asked: [Int] = []
    // Patch 3 breaks it, and patch 6 cures it.
    while let question = table.question {
      asked.append(question.number)
      #expect(question.tests == ["a"])
      table.take(answer((3...5).contains(question.number) ? "A" : "a"), of: question.number, to: question.tests)
    }
    #expect(words(table) == ["a: 2 3 5 6"])
    #expect(Set(asked).count == asked.count && !asked.contains(4) && !asked.contains(8))
    #expect(asked.count <= 6)
  }

  @Test("a patch that gave no answer, or would take too long, is not asked again")
  func closed() {
    var table = PatchTable([1, 2, 3, 4], worse: [], titles: [], closed: [1])
    table.take(answer("A"), of: 3, to: ["a"])
    #expect(table.question?.number == 2)
    table.take(answer(""), of: 2, to: ["a"])
    #expect(table.question == nil)
    #expect(words(table) == ["a: 0 3 3 4"])
  }

  @Test("the search for a culprit takes what is known, confirmed or not")
  func culprit() {
    var table = table([1, 3, 5], [1: "a"], worse: ["a"])
    var unsure = PatchAnswer()
    unsure.worse = ["a"]
    table.take(unsure, of: 3, to: ["a"])
    let answers = (1...5).map { table.answer(of: "a", number: $0) }
    #expect(answers == [.good, .good, .bad, .bad, .bad])
    #expect(table.answer(of: "b", number: 1) == nil)
    table.take(PatchAnswer(kernel: "does not build: x"), of: 1, to: [])
    #expect(table.answer(of: "b", number: 1) == CulpritSearch.Answer.none)
    #expect(PatchTable([2], worse: [], titles: []).answer(of: "a", number: 1) == .good)
  }

  private func guest(
    _ tests: [(String, TestStatus)], reports: [KernelReport] = [], ending: GuestEnding = .completed,
    booted: Bool = true, deaths: [String] = []
  ) -> GuestRun {
    var run = GuestRun(
      release: "6", accelerator: .tcg, ending: ending, booted: booted,
      tests: tests.map { TestResult(name: $0.0, status: $0.1) }, reports: reports, anomalies: [], lastLines: [])
    run.deaths = deaths.map { GuestDeath(test: $0, ending: ending) }
    return run
  }

  private var answers: BaseAnswers {
    BaseAnswers(
      guest([("a", .ok), ("b", .ok), ("c", .notOk), ("d", .ok)]), known: [], isStrict: false)
  }

  @Test("a guest's run is read: what is good, what is worse, and what is so for certain")
  func reading() {
    let splat = KernelReport(title: "WARNING in x", kind: .warning, trace: [], test: "d")
    let read = PatchAnswer(
      guest([("a", .ok), ("b", .notOk), ("c", .notOk), ("d", .ok)], reports: [splat, splat]), answers)
    #expect(read.good == ["a", "c"])
    #expect(read.worse == ["b", "d"])
    #expect(read.groups == [])
    #expect(read.symptoms == [Symptom(kind: .report, name: "WARNING in x", test: "d")])
    #expect(read.state(of: Symptom(kind: .report, name: "WARNING in y", test: "a")) == .good)
    #expect(read.state(of: Symptom(kind: .report, name: "WARNING in y", test: "e")) == .none)
  }

  @Test("each test with a new report is worse, also if another had the same report before")
  func sameReport() {
    let splats = ["a", "d"].map { KernelReport(title: "WARNING in x", kind: .warning, trace: [], test: $0) }
    let read = PatchAnswer(guest([("a", .ok), ("b", .ok), ("d", .ok)], reports: splats), answers)
    #expect(read.worse == ["a", "d"])
    #expect(read.good == ["b"])
    #expect(read.reports.map(\.test) == ["a"])
  }

  @Test("a test that ends its guest is worse for certain, and so is a kernel that does not boot or complete")
  func deaths() {
    let panic = GuestEnding.panicked("Oops")
    let died = PatchAnswer(guest([("a", .ok), ("b", .missing)], ending: panic, deaths: ["b"]), answers)
    #expect(died.symptoms == [Symptom(kind: .test, name: "b")])
    let dead = PatchAnswer(guest([], ending: .bootDeadline(seconds: 60), booted: false), answers)
    #expect(dead.kernel == "does not boot: never reached init within 60 s")
    let stopped = PatchAnswer(guest([("a", .ok)], ending: .stoppedEarly), answers)
    #expect(stopped.kernel?.hasPrefix("does not complete: ") == true)
    #expect(stopped.state(of: Symptom(kind: .test, name: "a")) == .good)
  }

  @Test(
    "a guest that cannot be relied on has said nothing",
    arguments: [
      (GuestEnding.completed, [], nil), (.completed, ["forged"], "forged"), (.panicked("x"), ["no end marker"], nil),
      (.machineDied("signal 9"), [], "the machine died (signal 9)"),
      (.runDeadline(seconds: 9), [], "not done within 9 s"),
    ] as [(GuestEnding, [String], String?)])
  func unreliable(_ ending: GuestEnding, _ anomalies: [String], _ expected: String?) {
    var run = guest([("a", .ok)], ending: ending)
    run.anomalies = anomalies
    #expect(run.unreliable == expected)
    run.unsigned = 1
    #expect(run.unreliable != nil)
  }
}
