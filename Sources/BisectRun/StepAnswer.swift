// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Verdicts

/// What the trial of a commit says of the symptoms that are looked for.
struct StepAnswer: Sendable, Hashable {
  var answer: BisectStep.Answer
  var reason: String
  var found: [Symptom] = []

  /// Judges a commit that git chose, or the bad revision again.
  /// - Parameters:
  ///   - judgement: of all that differs from the good revision.
  ///   - sought: at least one.
  /// - Throws: ``HarnessFault`` if the harness failed: that is neither good nor bad.
  init(_ judgement: Judgement, sought: [Symptom]) throws(HarnessFault) {
    let first = judgement.reasons.first.map(\.description) ?? ""
    let kinds = Set(sought.map(\.kind))
    switch judgement.trial?.result {
    case nil, .interrupted: throw HarnessFault(stage: judgement.stage, message: first)
    case .fault(let fault): throw fault
    case .doesNotApply: self.init(answer: .skip, reason: first)
    case .doesNotBuild:
      let all = Symptom.all(judgement)
      self.init(kinds.contains(.build) ? .bad : .skip, all[0].text, kinds.contains(.build) ? all : [])
    case .sameCode: self.init(answer: .good, reason: "compiles to the same code as the good revision")
    case .built: self.init(answer: .good, reason: "builds")
    case .ran where kinds == [.build]: self.init(answer: .good, reason: "builds")
    case .ran(let run):
      if case .machineDied = run.ending { throw HarnessFault(stage: judgement.stage, message: run.ending.words) }
      self = run.booted ? Self.booted(judgement, run, sought, kinds) : Self.unbooted(judgement, kinds)
    }
  }

  /// Judges the bad revision for the first time: anything that is worse makes it bad. It is to be skipped if nothing is
  /// known to be worse, and something is not known.
  /// - Throws: as ``init(_:sought:)``.
  init(whole judgement: Judgement) throws(HarnessFault) {
    let all = Symptom.all(judgement)
    if let first = all.first {
      let more = all.count == 1 ? "" : " (and \(all.count - 1) more)"
      self.init(.bad, first.text + more, all)
      return
    }
    // The sought kind decides only what else is bad.
    try self.init(judgement, sought: [])
  }

  private init(_ answer: BisectStep.Answer, _ reason: String, _ found: [Symptom]) {
    self.init(answer: answer, reason: reason, found: found)
  }

  init(answer: BisectStep.Answer, reason: String, found: [Symptom] = []) {
    self.answer = answer
    self.reason = reason
    self.found = found
  }

  private static func unbooted(_ judgement: Judgement, _ kinds: Set<Symptom.Kind>) -> StepAnswer {
    let first = judgement.reasons.first.map(\.description) ?? ""
    let all = Symptom.all(judgement)
    if all.isEmpty || !kinds.contains(.boot) { return StepAnswer(answer: .skip, reason: first) }
    return StepAnswer(.bad, all[0].text, all)
  }

  private static func booted(
    _ judgement: Judgement, _ run: GuestRun, _ sought: [Symptom], _ kinds: Set<Symptom.Kind>
  ) -> StepAnswer {
    let here = Symptom.all(judgement, isGrouped: false)
    let names = Set(sought.filter { $0.kind == .test }.map(\.name))
    let titles = Set(sought.filter { $0.kind == .report }.map(\.name))
    let found = here.filter { symptom in
      switch symptom.kind {
      case .test: names.contains(symptom.name)
      case .report: titles.contains(symptom.name)
      case .ending: kinds.contains(.ending)
      case .boot, .build: false
      }
    }
    if let first = found.first { return StepAnswer(.bad, first.text, found) }
    if let failure = run.bootFailure, kinds.contains(.boot) {
      return StepAnswer(answer: .skip, reason: "boots only sometimes: \(failure.words)")
    }
    if kinds == [.boot] { return StepAnswer(answer: .good, reason: "boots") }
    // Where the kernel is broken in another way, nothing is known of what is looked for.
    if let other = here.first, other.kind != .report || !titles.isEmpty {
      return StepAnswer(answer: .skip, reason: "worse in another way: \(other.text)")
    }
    if let gap = gap(in: judgement, run) { return StepAnswer(answer: .skip, reason: gap) }
    let count = judgement.tests.count
    return StepAnswer(answer: .good, reason: count == 1 ? "the test is not worse" : "none of \(count) tests is worse")
  }

  /// Why it is not known of some test whether it is worse; `nil` if all are known.
  static func gap(in judgement: Judgement, _ run: GuestRun) -> String? {
    if let anomaly = run.anomalies.first { return "the guest's evidence is unreliable: \(anomaly)" }
    if run.ending != .completed, run.deaths.isEmpty { return "does not complete: \(run.ending.words)" }
    let silent = judgement.tests.first { test in
      test.change == .missing || test.change == .flaky && !test.baseTries.isMixed
    }
    if let silent {
      return "\(silent.name): \(silent.change == .flaky ? "flaky: \(silent.tryWords)" : "no answer here")"
    }
    return judgement.tests.isEmpty ? "no test gave an answer" : nil
  }
}
