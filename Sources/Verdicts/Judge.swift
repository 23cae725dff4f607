// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import Foundation
public import GuestProtocol

/// The verdict on every series of a run, in the order of its header.
public func judge(_ record: RunRecord) -> [Judgement] {
  let repeats = record.repeats.compactMap { trial in
    if case .ran(let run) = trial.result, run.ending == .completed { run.tests } else { nil as [TestResult]? }
  }
  // A base that did not come to its end each time is none to hold anything against: its flaw is the weakest one's.
  let broken = record.repeats.first { trial in
    if case .ran(let run) = trial.result { run.ending != .completed } else { true }
  }
  let known = (record.header.known ?? []).filter { record.started < $0.expires }
  return record.header.series.map {
    judge(
      $0, trial: record.trials[$0.name], base: broken ?? record.base, repeats: repeats, known: known,
      accepted: record.header.accepted ?? [])
  }
}

/// The verdict on one series.
///
/// The rules, from the weightiest: a series that does not apply, build or boot is told so; what got worse is
/// `regresses`; evidence that is not whole, on either side, is `inconclusive`; only then may a series be `fixes` or
/// `clean`. What cannot be told counts as the harness' fault: never as the series' fault, and never as a pass.
///
/// - Parameters:
///   - series: The series.
///   - trial: How far it came; `nil` if it never had its turn.
///   - base: The base's trial, if there is one.
///   - repeats: What further guests of the base said.
///   - known: Kernel reports that are not held against it, of which none has expired.
///   - accepted: Changed lines that need not have run.
public func judge(
  _ series: PatchSeries, trial: Trial?, base: Trial?, repeats: [[TestResult]] = [], known: [KnownReport] = [],
  accepted: [AcceptedLines] = []
) -> Judgement {
  var judgement = Judgement(
    series: series, verdict: .inconclusive, reasons: [], stage: stage(of: trial), trial: trial, tests: [], reports: [])
  guard let trial else {
    judgement.reasons = [Reason("not run: the run was stopped before its turn")]
    return judgement
  }
  switch trial.result {
  case .interrupted:
    judgement.reasons = [Reason("not run to its end: the run was stopped in its stage \(judgement.stage.rawValue)")]
  case .fault(let fault):
    let advice = fault.advice.map { " (\($0))" } ?? ""
    judgement.reasons = [Reason("not the series' fault: \(fault.message)\(advice)")]
  case .doesNotApply(let failure):
    judgement.verdict = .doesNotApply
    judgement.reasons = [reason(for: failure)]
  case .doesNotBuild(let failure):
    judgement.verdict = .doesNotBuild
    judgement.reasons = reasons(for: failure)
  case .sameCode:
    let doubts = trial.change?.doubts(nil, accepted: accepted) ?? []
    judgement.verdict = doubts.isEmpty ? .clean : .inconclusive
    judgement.reasons = doubts.isEmpty ? [Reason("no compiled change: there was nothing to boot")] : doubts
  case .built: weighBuild(trial, base: base, accepted: accepted, into: &judgement)
  case .ran(let run):
    let evidence = BaseEvidence(base)
    judgement.tests = compare(
      base: [evidence.run?.tests ?? []] + repeats + (trial.baseAgain ?? []), series: [run.tests] + (trial.again ?? []))
    let onBase = Set(evidence.run?.reports.map(\.title) ?? [])
    judgement.reports = run.reports.map { report in
      ReportComparison(
        report: report, onBase: onBase.contains(report.title), known: known.first { $0.report.matches(report.title) })
    }
    weigh(run, in: trial, base: base, evidence: evidence, accepted: accepted, into: &judgement)
  }
  return judgement
}

/// The furthest stage that a trial reached.
public func stage(of trial: Trial?) -> Stage {
  guard let trial else { return .apply }
  switch trial.result {
  case .doesNotApply: return .apply
  case .doesNotBuild: return .build
  case .sameCode, .built: return .done
  case .fault(let fault): return fault.stage
  case .ran(let run):
    if !run.booted { return .boot }
    return run.ending == .completed ? .done : .tests
  case .interrupted:
    let seconds = trial.seconds
    if seconds[.tests] != nil { return .tests }
    if seconds[.boot] != nil { return .boot }
    return seconds.build != nil ? .build : .apply
  }
}

/// Of a cell in which nothing is booted.
private func weighBuild(
  _ trial: Trial, base: Trial?, accepted: [AcceptedLines], into judgement: inout Judgement
) {
  guard let base, base.result == .built else {
    judgement.reasons = [Reason("not comparable: the base was not built for this")]
    return
  }
  if base.cell != trial.cell {
    judgement.reasons = [Reason("not comparable: the base was built as \(base.cell.words)")]
    return
  }
  // A build says nothing of what is not compiled.
  let doubts =
    trial.change?.compilationDoubts(accepted: accepted) ?? [
      Reason("what the series changes in the compiled code is not known")
    ]
  judgement.verdict = doubts.isEmpty ? .clean : .inconclusive
  judgement.reasons = doubts.isEmpty ? [Reason("it builds; nothing is booted in this cell")] : doubts
}

private func weigh(
  _ run: GuestRun, in trial: Trial, base: Trial?, evidence: BaseEvidence, accepted: [AcceptedLines],
  into judgement: inout Judgement
) {
  if let base, base.cell != trial.cell {
    judgement.reasons = [Reason("not comparable: the base ran in \(base.cell.words)")]
    return
  }
  if let other = evidence.run, other.accelerator != run.accelerator {
    // Emulation is ten to fifty times slower: what misses a deadline there says nothing against a base under KVM.
    judgement.reasons = [
      Reason("not comparable: the base ran under \(other.accelerator.rawValue), this under \(run.accelerator.rawValue)")
    ]
    return
  }
  if !run.booted {
    weighBoot(run, evidence: evidence, into: &judgement)
    return
  }
  switch evidence {
  case .broken(let flaw, _): judgement.reasons = [flaw]
  case .whole:
    let grounds = VerdictReasons(
      run, change: trial.change, accepted: accepted, tests: judgement.tests, reports: judgement.reports)
    judgement.verdict = grounds.verdict
    judgement.reasons = grounds.reasons
  }
}

private func weighBoot(_ run: GuestRun, evidence: BaseEvidence, into judgement: inout Judgement) {
  switch run.ending {
  case .machineDied(let message):
    judgement.reasons = [Reason("not the series' fault: the machine died: \(message)")]
  case .completed:
    judgement.reasons = [Reason("the guest's evidence is not whole: it ended properly and never said hello")]
  case .flooded: judgement.reasons = [Reason("the guest's evidence is not whole: \(run.endingWords)")]
  case .stoppedEarly, .silent, .bootDeadline, .runDeadline:
    // Somebody spoke there, who is not the one who runs the tests, or out of turn.
    if run.isGarbled {
      judgement.reasons = run.anomalies.map { Reason("the guest's evidence is not whole: \($0)") }
      return
    }
    fallthrough
  case .panicked:
    if evidence.run?.booted == true {
      judgement.verdict = .doesNotBoot
      judgement.reasons = [Reason("does not boot: \(run.endingWords)")]
    } else if case .broken(let flaw, let baseRun) = evidence {
      // A base whose machine died is not known to fail: its flaw says so, and nothing more may be said.
      let fails = baseRun.map { if case .machineDied = $0.ending { false } else { true } } ?? false
      judgement.reasons = fails ? [Reason("the base does not boot either"), flaw] : [flaw]
    }
  }
}

private func reason(for failure: ApplyFailure) -> Reason {
  var text = "does not apply"
  if let file = failure.file { text += ": \(file)" }
  if let hunk = failure.hunk { text += ", hunk \(hunk)" }
  return Reason(failure.patch.file, "\(text): \(failure.message)")
}

private func reasons(for failure: BuildFailure) -> [Reason] {
  guard !failure.diagnostics.isEmpty else {
    return [Reason("does not build: \(failure.tail.last ?? "the build failed without a word")")]
  }
  return failure.diagnostics.map { diagnostic in
    let place = diagnostic.file.map { file in diagnostic.line.map { "\(file):\($0)" } ?? file }
    return Reason(diagnostic.patch, "does not build: \(place.map { "\($0): " } ?? "")\(diagnostic.message)")
  }
}

/// The tests whose results differ between a base and a series that both came to their end, so that they are worth another
/// try before anything is said of them; those that got worse first.
public func changedTests(base: GuestRun, series: GuestRun) -> [String] {
  let all = compare(base: [base.tests], series: [series.tests])
  let worse = all.filter { $0.change == .regressed || $0.change == .new && $0.series.isBad }
  return (worse + all.filter { $0.change == .fixed }).map(\.name)
}

/// The tests that answer on the base and were skipped with the series.
public func silentTests(base: GuestRun, series: GuestRun) -> [String] {
  compare(base: [base.tests], series: [series.tests]).filter { $0.change == .missing && $0.series == .skip }.map(\.name)
}
