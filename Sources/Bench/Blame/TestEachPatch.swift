// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Verdicts

/// What the kernels between the patches of a series are compared with.
struct PatchComparison: Sendable {
  /// The base's trial, and its run, which completed.
  var reference: Trial
  var run: GuestRun
  var answers: BaseAnswers
  /// The whole series.
  var whole: WorseWhole
  /// The base's results of reruns.
  var base: BaseTrials
}

extension TrialRunner {
  /// Runs tests after the patches of a series, to find out whether one of them breaks what a later one cures.
  ///
  /// If each patch is only to be built, this is done for a series that is not worse than the base, after a few patches,
  /// and with a few tests that run what they change.
  /// - Parameter trial: a trial that is over. It gets the result.
  /// - Returns: what is known; `nil` if nothing was tried.
  /// - Throws: harness errors.
  func testEachPatch(
    of one: ReadSeries, beside reference: Trial?, base: BaseTrials, evidence: FilePath, scratch: FilePath,
    trial: inout Trial
  ) async throws -> PatchTable? {
    guard rules.eachPatch != .none, rules.retryPolicy.repeats == 1, let reference,
      case .ran(let run) = reference.result, run.ending == .completed
    else { return nil }
    let answers = BaseAnswers(run, again: trial.baseReports ?? [], known: rules.known, isStrict: false)
    guard let whole = WorseWhole(trial, beside: run, baseAgain: trial.baseAgain ?? [], answers) else { return nil }
    let isWhole = rules.eachPatch == .test
    // Another copy of the base would take longer than everything else.
    if !isWhole, method == .copy || rules.retryPolicy.retries == 0 || whole.isWorse(answers) { return nil }
    let beside = PatchComparison(reference: reference, run: run, answers: answers, whole: whole, base: base)
    let plan = try patchPlan(one.series, change: trial.change)
    if plan.patches.isEmpty { return nil }
    var table = PatchTable(
      plan.patches, worse: Set(whole.tests + whole.struck), titles: whole.titles, closed: plan.dear)
    var outcomes: [Int: PatchTests.Outcome] = [:]
    var spent: Double?
    defer { trial.seconds.add(.blame, spent) }

    func ask(_ number: Int, _ choice: TestChoice) async throws {
      let asked = try await self.ask(choice, after: number, of: one, beside, evidence: evidence, scratch: scratch)
      if let seconds = asked.seconds { spent = (spent ?? 0) + seconds }
      outcomes[number] = outcomes[number]?.followed(by: asked.outcome) ?? asked.outcome
      if let answer = asked.answer { table.take(answer, of: number, to: asked.tests) }
      if case .fault = asked.outcome { table.closed.insert(number) }
    }
    for number in plan.tried {
      // What an earlier patch breaks is asked again, to see when it is cured.
      let broken = table.breaks.filter { $0.symptom.kind == .test }.map(\.symptom.name)
      try await ask(number, isWhole ? .all : .few(and: broken))
    }
    // Patches that were left out may lie beside a break.
    for _ in 0..<PatchPlan.most {
      guard let question = table.question else { break }
      try await ask(question.number, .these(question.tests))
    }
    trial.patchTests = PatchTests(
      isWhole: isWhole, steps: plan.steps(of: one.series.patches.count, outcomes), breaks: table.breaks)
    return table
  }

  /// - Parameter change: what the whole series changes in the compiled code.
  func patchPlan(_ series: PatchSeries, change: CodeChange?) throws -> PatchPlan {
    let changed = (change?.functions.map(\.file) ?? []) + (change?.pieces.map(\.file) ?? [])
    return try PatchPlan(
      series, isWhole: rules.eachPatch == .test, known: Set(prepared.suite.functions.keys).union(changed)
    ) { paths in
      // Nobody knows what other settings compile.
      rules.settings == nil ? try base.reach(of: paths) : .tree("it has settings of its own", objects: 0)
    }
  }
}
