// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import Foundation
public import GuestProtocol

/// Returns the verdict on every series of a run, in the order of its header.
public func judge(_ record: RunRecord) -> [Judgement] {
  let repeats = record.repeats.compactMap { trial in
    if case .ran(let run) = trial.result, run.ending == .completed { run.tests } else { nil as [TestResult]? }
  }
  let known = (record.header.known ?? []).filter { record.started < $0.expires }
  return record.header.series.map {
    judge(
      $0, trial: record.trials[$0.name], base: record.comparedBase, repeats: repeats, known: known,
      accepted: record.header.accepted ?? [])
  }
}

/// Returns the verdict on one series.
///
/// The rules, the weightiest first:
/// - A series that does not apply, build or boot gets that verdict.
/// - If something got worse, the verdict is `regresses`.
/// - If the evidence is unreliable on either side, the verdict is `inconclusive`.
/// - Only then may a series be `fixes` or `clean`.
///
/// If the cause is unknown, it counts as the harness' fault: never as the series' fault, and never as a pass.
///
/// - Parameters:
///   - series: The series.
///   - trial: Its trial; `nil` if it never started.
///   - base: The base's trial, if there is one.
///   - repeats: The results of further guests of the base.
///   - known: Kernel reports that do not count against the series; none has expired.
///   - accepted: Changed lines that do not have to run.
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
    judgement.reasons = [Reason("not completed: the run was stopped in stage \(judgement.stage.rawValue)")]
  case .fault(let fault):
    let advice = fault.advice.map { " (\($0))" } ?? ""
    judgement.reasons = [Reason("not the series' fault: \(fault.message)\(advice)")]
  case .doesNotApply(let failure):
    judgement.verdict = .doesNotApply
    judgement.reasons = reasons(for: failure)
  case .doesNotBuild(let failure):
    judgement.verdict = .doesNotBuild
    judgement.reasons = reasons(for: failure)
  case .sameCode:
    let doubts = trial.change?.doubts(nil, accepted: accepted) ?? []
    judgement.verdict = doubts.isEmpty ? .clean : .inconclusive
    judgement.reasons =
      doubts.isEmpty
      ? [(trial.change ?? CodeChange()).sameCodeReason(touched: series.patches.flatMap(\.paths))] : doubts
  case .built: weighBuild(trial, base: base, accepted: accepted, into: &judgement)
  case .ran(let run):
    let evidence = BaseEvidence(base)
    judgement.tests = compare(
      base: [evidence.run?.tests ?? []] + repeats + (trial.baseAgain ?? []), series: [run.tests] + (trial.again ?? []))
    let onBase = Set(((evidence.run?.reports ?? []) + (trial.baseReports ?? [])).map(\.title))
    judgement.reports = run.reports.map { report in
      ReportComparison(
        report: report, onBase: onBase.contains(report.title), known: known.first { $0.report.matches(report.title) })
    }
    weigh(run, in: trial, base: base, evidence: evidence, accepted: accepted, into: &judgement)
  }
  return judgement
}

/// Returns the furthest stage that a trial reached.
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

/// Judges a trial in a cell in which nothing is booted.
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
  // A build says nothing about code that is not compiled.
  let doubts =
    trial.change?.compilationDoubts(accepted: accepted) ?? [
      Reason("it is unknown what the series changes in the compiled code")
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
    // Emulation is ten to fifty times slower. A missed deadline under it says nothing in comparison with a base under
    // KVM.
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
      run, cutShort: trial.cutShort, change: trial.change, accepted: accepted, tests: judgement.tests,
      reports: judgement.reports)
    judgement.verdict = grounds.verdict
    judgement.reasons = grounds.reasons
    if grounds.verdict == .regresses {
      judgement.reasons = (trial.culprits ?? []).map { $0.reason(in: judgement.series) } + grounds.reasons
    }
  }
}

private func weighBoot(_ run: GuestRun, evidence: BaseEvidence, into judgement: inout Judgement) {
  switch run.ending {
  case .machineDied(let message):
    judgement.reasons = [Reason("not the series' fault: the machine died: \(message)")]
  case .completed:
    judgement.reasons = [Reason("the guest's evidence is unreliable: it completed, but never reached init")]
  case .flooded: judgement.reasons = [Reason("the guest's evidence is unreliable: \(run.endingWords)")]
  case .stoppedEarly, .silent, .bootDeadline, .runDeadline:
    // The output did not come from PID 1, or came out of order.
    if run.isGarbled {
      judgement.reasons = run.anomalies.map { Reason("the guest's evidence is unreliable: \($0)") }
      return
    }
    fallthrough
  case .panicked:
    if evidence.run?.booted == true {
      judgement.verdict = .doesNotBoot
      judgement.reasons = [Reason("does not boot: \(run.endingWords)")]
    } else if case .broken(let flaw, let baseRun) = evidence {
      // A base whose machine died is not known to fail. Its flaw says so, and nothing more can be said.
      let fails = baseRun.map { if case .machineDied = $0.ending { false } else { true } } ?? false
      judgement.reasons = fails ? [Reason("the base does not boot either"), flaw] : [flaw]
    }
  }
}

private func reasons(for failure: ApplyFailure) -> [Reason] {
  failure.words.enumerated().map { index, reason in
    index == 0 ? Reason(failure.patch.file, reason.text) : reason
  }
}

private func reasons(for failure: BuildFailure) -> [Reason] {
  let all = reasonsOfBuild(failure)
  guard let place = failure.after else { return all }
  let words = "does not build after \(place.words), though the whole series builds: `git bisect` would stop here"
  return [Reason(place.patch, words)] + all
}

private func reasonsOfBuild(_ failure: BuildFailure) -> [Reason] {
  guard !failure.diagnostics.isEmpty else {
    return [Reason("does not build: \(failure.tail.last ?? "the build failed without a message")")]
  }
  return failure.diagnostics.map { diagnostic in
    let place = diagnostic.file.map { file in diagnostic.line.map { "\(file):\($0)" } ?? file }
    return Reason(diagnostic.patch, "does not build: \(place.map { "\($0): " } ?? "")\(diagnostic.message)")
  }
}

/// Returns the tests whose results differ between a base and a series that both completed. They are worth another try
/// before they are judged. The tests that got worse come first.
public func changedTests(base: GuestRun, series: GuestRun) -> [String] {
  let all = compare(base: [base.tests], series: [series.tests])
  let worse = all.filter(\.isWorse)
  return (worse + all.filter { $0.change == .fixed }).map(\.name)
}

/// Returns the tests that got worse with a series, as far as a stock exporter shows it, in the order of the plan.
/// - Parameters:
///   - base: the results of each of the base's guests.
///   - series: the same of the series.
public func worseTests(base: [[TestResult]], series: [[TestResult]]) -> [TestComparison] {
  compare(base: base, series: series).filter { $0.isWorse && !OnlyOurs.isAsked(by: $0.name) }
}

/// Returns the tests that have an answer on the base and were skipped with the series.
public func silentTests(base: GuestRun, series: GuestRun) -> [String] {
  compare(base: [base.tests], series: [series.tests]).filter { $0.change == .missing && $0.series == .skip }.map(\.name)
}

extension Culprit {
  /// `patch 3 of 4: “mm: forward it twice” brings it: counts/vgem-to-vkms/mmap-munmap (12 more fail alike)`
  fileprivate func reason(in series: PatchSeries) -> Reason {
    let subject = series.patches.indices.contains(number - 1) ? series.patches[number - 1].subject : ""
    let more = alike == 0 ? "" : " (\(alike) more fail\(alike == 1 ? "s" : "") alike)"
    let first = series.place(of: lastGood + 1)
    let open = "\(first.from == nil ? "" : "prerequisite ")\(first.number)"
    let gap =
      lastGood == number - 1
      ? "" : "; or one of the patches from \(open) on, which give no result by themselves"
    let place = series.place(of: number)
    let what = place.from == nil ? "patch" : "prerequisite"
    let from = place.from.map { ", from \($0)," } ?? ""
    return Reason("\(what) \(place.number) of \(place.count)", "“\(subject)”\(from) brings it: \(test)\(more)\(gap)")
  }
}
