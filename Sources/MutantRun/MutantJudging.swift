// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import Mutation
public import Verdicts

extension JudgedMutant {
  /// Judges a mutant by the verdict on the series that it was turned into.
  public init(_ mutant: Mutant, _ judgement: Judgement, arguments: MutantArguments) {
    let (fate, reason) = MutantFate.of(judgement, mutant)
    self.init(
      mutant: mutant, fate: fate, reason: reason, equivalent: arguments.reason(for: mutant, fate),
      seconds: judgement.trial?.seconds.total, asked: Self.asked(judgement.trial))
  }
}

extension JudgedMutant {
  private static func asked(_ trial: Trial?) -> Int? {
    guard case .ran(let run)? = trial?.result, run.booted else { return nil }
    return run.tests.count
  }
}

/// The arguments about mutants that no test detected.
public struct MutantArguments: Sendable {
  public var equivalent: EquivalentMutants
  public var unreachable: UnreachableLines

  public init(equivalent: EquivalentMutants, unreachable: UnreachableLines) {
    self.equivalent = equivalent
    self.unreachable = unreachable
  }

  func reason(for mutant: Mutant, _ fate: MutantFate) -> String? {
    equivalent.reason(for: mutant) ?? unreachable.reason(for: mutant, fate)
  }
}

extension MutantFate {
  static func of(_ judgement: Judgement, _ mutant: Mutant) -> (fate: MutantFate, reason: String) {
    let first = judgement.reasons.first.map { "\($0)" } ?? ""
    guard let trial = judgement.trial else { return (.notRun, first) }
    switch trial.cutShort {
    case .test(let name, let reason): return (.killed, "\(name): \(reason)")
    case .report(let title): return (.killed, title)
    case nil: break
    }
    switch trial.result {
    case .interrupted: return (.notRun, first)
    case .fault, .doesNotApply: return (.undecided, first)
    case .doesNotBuild: return (.notBuilt, first)
    case .sameCode, .built, .ran: break
    }
    if isUnreached(judgement, mutant) { return (.unreached, first) }
    // That a series may answer a question of design in another way does not mean that nobody noticed.
    if [.clean, .fixes].contains(judgement.verdict) || isWholeOtherwise(judgement),
      let test = judgement.tests.first(where: { $0.change == .differs })
    {
      return (.killed, "\(test.name): differs by design")
    }
    switch judgement.verdict {
    case .clean: return trial.result == .sameCode ? (.sameCode, first) : (.alive, first)
    case .fixes: return (.alive, first)
    case .regresses, .doesNotBoot: return (.killed, first)
    case .doesNotBuild: return (.notBuilt, first)
    case .inconclusive where isWholeOtherwise(judgement): return (.alive, first)
    case .inconclusive, .doesNotApply: return (.undecided, first)
    }
  }
}

/// Returns whether the verdict's only objection is that some of the changed code did not run: every test answered, and
/// the guest is fine. In a mutated series, that may be the series' own code.
private func isWholeOtherwise(_ judgement: Judgement) -> Bool {
  guard case .ran(let run)? = judgement.trial?.result, run.ending == .completed, run.anomalies.isEmpty,
    judgement.trial?.change?.isNothing == false, run.execution?.failure == nil, run.execution != nil
  else { return false }
  return !judgement.tests.contains { $0.change == .flaky || $0.change == .missing }
}

/// Returns the fates of the lines that a mutant changes. A mutant moves no line. If it deletes a statement, no line of
/// that is left, and the line that stands for it decides.
private func lines(of mutant: Mutant, _ change: CodeChange, _ execution: Execution?) -> [LineFate] {
  let own = mutant.line...(mutant.line + mutant.replacement.count { $0 == "\n" })
  let all = (change.lines?.fates(execution) ?? []).filter { $0.line.file == mutant.file }
  let changed = all.filter { own.contains($0.line.number) && $0.state != .noCode }
  if !changed.isEmpty { return changed }
  let nearest = all.filter { $0.line.follows && $0.line.function == mutant.function }
    .min { abs($0.line.number - mutant.line) < abs($1.line.number - mutant.line) }
  return nearest.map { [$0] } ?? []
}

private func own(_ state: LineFate.State, in lines: [LineFate]) -> Bool { lines.contains { $0.state == state } }

/// Returns whether the code that a mutant changes is known not to have run, and nothing else is wrong.
///
/// This is the only definition of “unreached”.
func isUnreached(_ judgement: Judgement, _ mutant: Mutant) -> Bool {
  guard judgement.verdict == .inconclusive, let trial = judgement.trial, let change = trial.change else { return false }
  switch trial.result {
  case .sameCode:
    return change.notCompiled.contains(mutant.file) || own(.notCompiled, in: lines(of: mutant, change, nil))
  case .ran(let run):
    guard isWholeOtherwise(judgement), let execution = run.execution else { return false }
    let lines = lines(of: mutant, change, execution)
    // A condition that went one way did run: that the other way is never taken does not excuse the tests.
    if own(.ran, in: lines) || own(.oneWay, in: lines) { return false }
    // Code that compiles differently but has no line is a condition that became constant: its function decides.
    if own(.notRun, in: lines) { return true }
    // If no line decides, its function does.
    return change.reached(execution).contains { entry in
      entry.state != .ran && entry.piece.file == mutant.file
        && (entry.piece.name == mutant.function || entry.piece.kind == .declarations)
    }
  case .built, .fault, .doesNotApply, .doesNotBuild, .interrupted: return false
  }
}
