// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import MutantRun
import Mutation
import Reports
import Toolbox

/// Shows on standard error how many mutants are done, with a rough estimate of the time left.
final class MutantProgress: EventSink, Sendable {
  private struct State {
    var drawn: [String: Mutant] = [:]
    var total = 0
    var done = 0
    var killed = 0
    /// How many mutants this process ran itself, without those kept from earlier runs.
    var tried = 0
    var began: ContinuousClock.Instant?
    var isShown = false
    var doing = ""
    var lastLine = ContinuousClock.now
  }

  private let state = Locked(State())
  private let isLive = Output.isLive
  /// How often to print a sign of life if there is no terminal.
  private static let signOfLife = Duration.seconds(60)

  func begin(_ plan: MutantPlan, in directory: RunDirectory) {
    state.withLock { state in
      state.drawn = Dictionary(plan.mutants.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      state.total = plan.mutants.count - plan.argued.count
      if let record = try? directory.record() { state.done = record.trials.count }
    }
    for name in plan.absent { line("not in \(plan.kernel): \(name)") }
    let argued = plan.argued.isEmpty ? "" : " (\(plan.argued.count) argued to be equivalent, and not run)"
    line("seed \(plan.seed): \(plan.mutants.count) of \(plan.candidates) mutants\(argued), in \(directory.path)")
  }

  func take(_ event: BenchEvent) {
    if Output.form == .json { return Output.object(ProgressLine.of(event)) }
    switch event.kind {
    case .stageStarted(let series, let stage): show("\(series ?? "base"): \(stage.rawValue)")
    case .progress(let series, let stage, let text): show("\(series ?? "base"): \(stage.rawValue): \(text)")
    case .trialFinished(let trial): finished(trial)
    case .runResumed: line("continues where it stopped")
    case .worse, .runStarted, .expected, .retrying, .baseRepeated, .baseTriedAgain, .stateRead, .runFinished,
      .reported:
      break
    }
  }

  func finish() { state.withLock { clear(&$0) } }

  private func finished(_ trial: Trial) {
    guard let name = trial.series, let mutant = state.withLock({ $0.drawn[name] }) else {
      return line("\(trial.series ?? "base"): done\(trial.reused ? " (cached from an earlier run)" : "")")
    }
    let what: String
    switch (trial.cutShort, trial.result) {
    case (.test(let test, _), _): what = "killed by \(test)"
    case (.report(let title), _): what = "killed: \(title)"
    case (nil, .doesNotBuild): what = "does not build"
    case (nil, .sameCode): what = "same code"
    case (nil, .fault(let fault)): what = "undecided: \(fault.message)"
    case (nil, .ran(let run)) where run.ending != .completed: what = "its guest did not complete"
    case (nil, _): what = "completed"
    }
    let left = state.withLock { state in
      state.done += 1
      if trial.cutShort != nil { state.killed += 1 }
      // Cached results arrive at once, so they say nothing about the time left.
      if !trial.reused { state.tried += 1 }
      let began = state.began ?? .now
      state.began = began
      let each = (ContinuousClock.now - began) / .seconds(1) / Double(max(1, state.tried - 1))
      let rest = Double(state.total - state.done) * each
      return "\(state.done)/\(state.total)"
        + (state.tried > 2 ? ", about \(Int((rest / 60).rounded(.up))) min left" : "")
    }
    line("[\(left)] \(mutant.place) \(mutant.operator.rawValue): \(what)\(trial.reused ? " (cached)" : "")")
  }

  private func show(_ text: String) {
    state.withLock { state in
      if isLive {
        let line = "[\(state.done)/\(state.total)] \(text)"
        Output.status("\r\u{1b}[K\(visible(line).prefix(Output.width(2) - 1))")
        state.isShown = true
      } else if Output.level == .verbose || ContinuousClock.now - state.lastLine > Self.signOfLife {
        state.lastLine = .now
        Output.note(visible(text))
      }
    }
  }

  private func line(_ text: String) {
    state.withLock { state in
      clear(&state)
      state.lastLine = .now
      Output.note(visible(text))
    }
  }

  private func clear(_ state: inout State) {
    if state.isShown { Output.status("\r\u{1b}[K") }
    state.isShown = false
  }
}
