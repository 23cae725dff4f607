// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SeriesIntake
import SystemPackage
import Verdicts

/// Which tests run after a patch.
enum TestChoice: Sendable, Hashable {
  /// All. Those that run a changed function come first.
  case all
  /// A few that run a changed function, and some others.
  case few(and: [String])
  case these([String])

  /// How many tests are a few. They take a guest about as long as its boot.
  static let few = 32
}

/// What was asked after a patch, and what it cost.
struct AskedPatch: Sendable {
  var tests: [String] = []
  /// `nil` if there is none.
  var answer: PatchAnswer?
  var outcome: PatchTests.Outcome
  /// `nil` if unknown.
  var seconds: Double?
}

extension TrialRunner {
  /// Builds a series up to one of its patches, and runs tests.
  /// - Throws: only what ends the run. Any other failure is the outcome.
  func ask(
    _ choice: TestChoice, after number: Int, of one: ReadSeries, _ beside: PatchComparison, evidence: FilePath,
    scratch: FilePath
  ) async throws -> AskedPatch {
    do {
      return try await withFirst(number, of: one, evidence: evidence, scratch: scratch) { first in
        var asked = try await ask(choice, on: &first, beside)
        asked.seconds = first.trial.seconds.total
        return asked
      }
    } catch  where !error.endsRun {
      return AskedPatch(outcome: .fault("\(error)"))
    }
  }

  /// Runs tests with the first patches of a series.
  func ask(
    _ choice: TestChoice, on first: inout FirstPatches, _ beside: PatchComparison
  ) async throws -> AskedPatch {
    guard let bootable = first.bootable else {
      switch first.trial.result {
      case .sameCode: return AskedPatch(answer: PatchAnswer(isBase: true), outcome: .sameCode)
      case .doesNotBuild(let failure):
        let words = "does not build: \(failure.diagnostics.first?.message ?? failure.tail.last ?? "no message")"
        return AskedPatch(answer: PatchAnswer(kernel: words), outcome: .failed(words))
      case .fault(let fault): return AskedPatch(outcome: .fault(fault.message))
      // The whole series applied, so its first patches do.
      case .doesNotApply(let failure): return AskedPatch(outcome: .fault(failure.message))
      case .built, .ran, .interrupted: return AskedPatch(outcome: .fault("its build was not completed"))
      }
    }
    let tests = self.tests(choice, for: first.trial.change, beside)
    if tests.isEmpty { return AskedPatch(outcome: .left(PatchPlan.unknown)) }
    let limits = TestLimits(long: clocks.test, base: beside.run)
    guard var run = try await run(tests, limits, on: &first) else {
      return AskedPatch(tests: tests, outcome: .fault("its guest was not started"))
    }
    run = limits.takingBack(run, base: beside.run)
    if let reason = run.unreliable { return AskedPatch(tests: tests, outcome: .fault(reason)) }
    var answer = PatchAnswer(run, try await answers(beside, on: &first))
    if let kernel = answer.kernel, !run.booted {
      return AskedPatch(tests: tests, answer: answer, outcome: .failed(kernel))
    }
    answer.groups += try await confirmed(answer, run, bootable, on: &first, beside)
    let answers = try await answers(beside, on: &first)
    if case .ran(let both) = first.trial.result { answer.reports = PatchAnswer(both, answers).reports }
    return AskedPatch(tests: tests, answer: answer, outcome: .ran(tests: tests.count))
  }

  /// Returns the base's answers, with what it reports in the tests in which these patches made the kernel report
  /// something.
  private func answers(_ beside: PatchComparison, on first: inout FirstPatches) async throws -> BaseAnswers {
    try await askForReports(base: beside.base, scratch: first.scratch, trial: &first.trial)
    return BaseAnswers(beside.run, again: beside.base.reports, known: rules.known, isStrict: false)
  }

  /// Returns the tests to run for a change.
  private func tests(_ choice: TestChoice, for change: CodeChange?, _ beside: PatchComparison) -> [String] {
    switch choice {
    case .all: return asked.inOrder(for: change, base: beside.reference).names
    case .few(let others):
      let functions = change?.runningFunctions ?? []
      let execution = beside.whole.run?.execution
      var near = beside.reference.reach?.tests(running: functions, of: beside.run.tests.map(\.name)) ?? []
      // The whole series' guest has counted more than the suite's own functions.
      for function in functions { near.formUnion((execution?.runs[function] ?? [:]).keys) }
      let samples = BaseReach.samples(
        asked.names.filter(near.contains), most: TestChoice.few, rarity: execution?.rarity ?? [:])
      return asked.names.filter((samples + others).contains)
    case .these(let names): return asked.names.filter(names.contains)
    }
  }

  /// Runs tests that are worse after a patch and not with the whole series once more, in a new guest, and then on the
  /// base. Of tests that failed alike, only the first is run.
  /// - Parameter run: the first guest's run. Tests that ran out of a short limit get the long one.
  /// - Returns: the groups of tests that are worse again, while the base answers as before.
  private func confirmed(
    _ answer: PatchAnswer, _ run: GuestRun, _ bootable: Bootable, on first: inout FirstPatches,
    _ beside: PatchComparison
  ) async throws -> [[String]] {
    let settled = Set(answer.groups.joined() + beside.whole.tests + beside.whole.struck)
    let doubtful = (run.tests.filter(beside.answers.isWorse).map(\.name) + (run.overdue ?? [])).filter {
      !settled.contains($0)
    }
    let groups = alikeTests(doubtful, in: run).prefix(RetryPolicy.mostRetried)
    if groups.isEmpty { return [] }
    let names = groups.map { $0[0] }
    let evidence = first.evidence
    try await withFreshGuests(bootable, count: 1, scratch: first.scratch, trial: &first.trial) { fresh, trial in
      try await further(
        "again-1", fresh, TestLimits(long: clocks.test), tests: names, evidence: evidence, trial: &trial)
    }
    guard case .ran(let both) = first.trial.result else { return [] }
    // A guest that died of a test has answered.
    let deaths = both.deaths.dropFirst(run.deaths.count).map(\.test)
    var again = Set((first.trial.again?.last ?? []).filter(beside.answers.isWorse).map(\.name) + deaths)
    if !again.isEmpty, rules.baseline == nil {
      let onBase = try await askBaseAgain(
        names.filter(again.contains), times: 1, base: beside.base, scratch: first.scratch, trial: &first.trial)
      again.subtract(onBase.joined().filter(beside.answers.isWorse).map(\.name))
    }
    return groups.filter { again.contains($0[0]) }
  }
}

extension PatchTests.Outcome {
  /// Returns what both of two guests of one kernel came to.
  func followed(by next: PatchTests.Outcome) -> PatchTests.Outcome {
    if case .ran(let before) = self {
      guard case .ran(let more) = next else { return self }
      return .ran(tests: before + more)
    }
    return next
  }
}

extension Execution {
  /// By test: how many tests did the rarest thing that it did in the changed code, be it to run an instruction or to
  /// take one of two ways. A test that few others resemble says the most.
  var rarity: [String: Int] {
    var rarest: [String: Int] = [:]
    for counts in (probes ?? [:]).values {
      for tests in [counts.filter { $0.value.taken > 0 }, counts.filter { $0.value.hits > $0.value.taken }] {
        for test in tests.keys { rarest[test] = min(rarest[test] ?? .max, tests.count) }
      }
    }
    return rarest
  }
}
