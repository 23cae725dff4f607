// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestProtocol
import Reports
import Verdicts

/// Shows on standard error what a run is doing: on a terminal, a line for each running job, which is overwritten;
/// elsewhere, one line per stage; with `--progress json`, one object per event.
final class ProgressDisplay: EventSink, @unchecked Sendable {
  // `@unchecked Sendable`: events arrive one at a time, and `finish` comes after the last one.
  private let isLive = Output.isLive
  private var jobs: RunningJobs
  private var block = StatusBlock()
  /// How many notes were printed when the block was.
  private var seen = 0
  private let start = ContinuousClock.now
  private var lastLine = ContinuousClock.now
  /// In characters. A test's detail may have hundreds of numbers; the report has all of them.
  private static let longestNews = 200
  /// How often to print a sign of life if there is no terminal.
  private static let signOfLife = Duration.seconds(20)

  /// - Parameter total: how many series the run has.
  init(total: Int) { jobs = RunningJobs(total: total) }

  func take(_ event: BenchEvent) {
    if Output.form == .json { return Output.object(ProgressLine.of(event)) }
    jobs.take(event)
    tell(event.kind)
    if isLive {
      if Output.notes != seen { block.forget() }
      seen = Output.notes
      Output.status(block.show(jobs.lines(at: event.at, width: Output.width(2) - 1), height: Output.height(2)))
    }
  }

  private func tell(_ kind: BenchEvent.Kind) {
    switch kind {
    case .runStarted(let header):
      line(
        "\(header.source), \(header.cell.profile); \(header.accelerator.rawValue.uppercased()): \(header.acceleratorReason)"
      )
    case .stageStarted(let series, let stage): status(series, stage, nil)
    case .progress(let series, let stage, let text): status(series, stage, text)
    case .worse(let series, let subject, let words, let isConfirmed):
      let text = "\(series): \(isConfirmed ? "regresses" : "looks worse"): \(subject): \(words)"
      line(text.count > Self.longestNews ? text.prefix(Self.longestNews) + "…" : text)
    case .trialFinished(let trial): line("\(trial.series ?? "base"): \(Self.words(trial))")
    case .baseRepeated(let trial, _): line("base, repeated: \(Self.words(trial))")
    case .stateRead(let series, let state):
      if let failure = state.failure { line("\(series ?? "base"): a guest's state disk could not be read: \(failure)") }
    case .runResumed: line("continues where it stopped")
    case .expected, .retrying, .baseTriedAgain, .runFinished, .reported: break
    }
  }

  /// Removes the status lines.
  func finish() { clear() }

  private func status(_ series: String?, _ stage: Stage, _ text: String?) {
    if isLive { return }
    let words = "\(series ?? "base"): \(stage.rawValue)\(text.map { ": \($0)" } ?? "")"
    // Each stage gets a line. Its steps would be thousands of lines, so print only a sign of life now and then.
    let now = ContinuousClock.now
    if text != nil, Output.level != .verbose, now - lastLine < Self.signOfLife { return }
    lastLine = now
    Output.note("[\(elapsed)] \(visible(words))")
  }

  private func line(_ text: String) {
    clear()
    Output.note("[\(elapsed)] \(visible(text))")
  }

  private func clear() { Output.status(block.clear()) }

  private var elapsed: String {
    let seconds = Int((ContinuousClock.now - start) / .seconds(1))
    return "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
  }

  static func words(_ trial: Trial) -> String {
    switch trial.result {
    case .doesNotApply(let failure): return "\(failure.patch.file): \(failure.words[0].text)"
    case .doesNotBuild(let failure): return "does not build: \(failure.diagnostics.first?.message ?? "see build.log")"
    case .sameCode: return "no compiled change"
    case .built: return "built"
    case .fault(let fault): return "the harness failed: \(fault.message)"
    case .interrupted: return "stopped"
    case .ran(let run):
      let passed = run.tests.count { $0.status == .ok }
      let tests = run.booted ? "\(passed) of \(run.tests.count) tests ok" : "did not boot"
      let reports = run.reports.isEmpty ? "" : ", \(run.reports.count) kernel reports"
      return tests + reports + (trial.reused ? " (cached from an earlier run)" : "")
    }
  }
}
