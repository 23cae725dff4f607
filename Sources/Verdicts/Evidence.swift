// SPDX-License-Identifier: Apache-2.0

public import BenchModel
internal import GuestProtocol

/// The evidence that a series is compared with.
enum BaseEvidence {
  /// The base completed, and every planned test was reported.
  case whole(GuestRun)
  /// The base's tests cannot be used for a comparison. `run` has the existing results, for display only.
  case broken(Reason, run: GuestRun?)

  var run: GuestRun? {
    switch self {
    case .whole(let run): run
    case .broken(_, let run): run
    }
  }

  /// Judges the base itself.
  init(_ trial: Trial?) {
    guard let trial else {
      self = .broken(Reason("the base has no result: the run was stopped before it finished"), run: nil)
      return
    }
    switch trial.result {
    case .doesNotApply(let failure):
      self = .broken(Reason("the base could not be prepared: \(failure.message)"), run: nil)
    case .doesNotBuild(let failure):
      let what = failure.diagnostics.first?.message ?? failure.tail.last ?? "the build failed"
      self = .broken(Reason("the base does not build: \(what)"), run: nil)
    case .sameCode, .built: self = .broken(Reason("the base was not run"), run: nil)
    case .fault(let fault):
      self = .broken(Reason("the base could not be tested: \(fault.message)"), run: nil)
    case .interrupted:
      self = .broken(Reason("the base has no result: the run was stopped before it finished"), run: nil)
    case .ran(let run):
      if let flaw = Self.flaw(of: run) { self = .broken(flaw, run: run) } else { self = .whole(run) }
    }
  }

  private static func flaw(of run: GuestRun) -> Reason? {
    if case .machineDied(let message) = run.ending {
      return Reason("the machine died under the base: \(message)")
    }
    if !run.booted, run.isGarbled, let anomaly = run.anomalies.first {
      return Reason("the base's evidence is unreliable: \(anomaly)")
    }
    if !run.booted { return Reason("the base does not boot: \(run.ending.words)") }
    if run.ending != .completed {
      return Reason("the base does not complete: \(run.ending.words) \(run.whereabouts)")
    }
    if let anomaly = run.anomalies.first { return Reason("the base's evidence is unreliable: \(anomaly)") }
    if let lost = run.tests.first(where: { $0.status == .missing }) {
      return Reason(lost.name, "planned on the base and never reported")
    }
    return nil
  }
}

extension RunRecord {
  /// The base's trial that series are compared with. If the base failed to complete once, nothing can be compared with
  /// it: the failed trial gives the reason.
  var comparedBase: Trial? {
    let broken = repeats.first { trial in
      if case .ran(let run) = trial.result { run.ending != .completed } else { true }
    }
    return broken ?? base
  }

  /// Why nothing can be compared with the base; `nil` if it gave all that its cell asks for.
  public var baseFlaw: Reason? {
    let base = comparedBase
    if header.cell.extent == .build, base?.result == .built { return nil }
    if case .broken(let flaw, _) = BaseEvidence(base) { return flaw }
    return nil
  }
}
