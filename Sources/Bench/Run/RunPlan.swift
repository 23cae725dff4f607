// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import GuestMachine
import KernelBuild
public import SeriesIntake
public import SystemPackage

/// Everything a run is asked to do.
public struct RunPlan: Sendable {
  public var target: RunTarget
  public var series: [SeriesDirectory]
  public var choices: RunChoices
  public var retryPolicy: RetryPolicy
  public var limits: RunLimits
  public var checkout: Checkout
  public var place: RunPlace
  public var purpose: RunPurpose

  public init(
    target: RunTarget, series: [SeriesDirectory], choices: RunChoices, retryPolicy: RetryPolicy, limits: RunLimits,
    checkout: Checkout, place: RunPlace, purpose: RunPurpose
  ) {
    self.target = target
    self.series = series
    self.choices = choices
    self.retryPolicy = retryPolicy
    self.limits = limits
    self.checkout = checkout
    self.place = place
    self.purpose = purpose
  }

  /// Where every trial of this run happens.
  public var cell: Cell {
    Cell(
      kernel: target.kernel.name, profile: target.profile.name, architecture: Architecture.host.name, toolchain: "gcc",
      extent: target.profile.extent, guest: Architecture.host.emulation.machine)
  }
}

/// What the user may choose of a run.
public struct RunChoices: Sendable, Hashable {
  /// Which tests run; all, if there are no patterns.
  public var tests: [NamePattern]
  /// Judge the base and all series again, though their results were kept.
  public var fresh: Bool
  /// Keep the memory of guests that panic or hang, beside their consoles.
  public var keepsMemory: Bool
  /// Changed lines that need not run.
  public var accepted: [AcceptedLines]
  public var executor: ExecutorChoice

  public init(
    tests: [NamePattern], fresh: Bool, keepsMemory: Bool, accepted: [AcceptedLines], executor: ExecutorChoice
  ) {
    self.tests = tests
    self.fresh = fresh
    self.keepsMemory = keepsMemory
    self.accepted = accepted
    self.executor = executor
  }
}

/// What carries trials out.
public enum ExecutorChoice: String, Codable, Sendable, Hashable, CaseIterable {
  /// This process.
  case local
  /// A process for each trial, which gets no more than an order: `patchbench trial`.
  case process
}

/// What a run's results are for.
public enum RunPurpose: Sendable {
  /// To say of each series what it changes.
  case verdicts
  /// To be held against the answers of seeded series, which are in this directory.
  case selfCheck(answers: FilePath)
  /// To say of each mutant whether the tests notice it: its trial ends as soon as it is certain that it is worse.
  /// - Parameters:
  ///   - expected: what mutants change; `nil` where nobody can say.
  ///   - baseline: what they are held against instead of the base; `nil` is the base.
  case mutants(expected: ExpectedChanges?, baseline: Baseline?)
}

/// Functions of which it is found out first which tests run them: those are then asked first, or alone where it is known
/// which tests run the very lines that a series changes.
public struct ExpectedChanges: Sendable, Hashable {
  public var functions: [CodeChange.Function]
  /// Find out as well which of their lines run.
  public var lines: Bool

  public init(functions: [CodeChange.Function], lines: Bool) {
    self.functions = functions
    self.lines = lines
  }

  var byFile: [String: Set<String>] {
    functions.reduce(into: [:]) { $0[$1.file, default: []].insert($1.name) }
  }
}

/// A series that others are made of, and are held against.
public struct Baseline: Codable, Sendable {
  public var trial: Trial
  /// The digest of its image: what comes out the same is not run.
  public var image: String

  public init(trial: Trial, image: String) {
    self.trial = trial
    self.image = image
  }
}

extension RunPurpose {
  /// Whether the run is one of mutants.
  var isOfMutants: Bool { if case .mutants = self { true } else { false } }

  var answers: FilePath? { if case .selfCheck(let answers) = self { answers } else { nil } }

  var baseline: Baseline? { if case .mutants(_, let baseline) = self { baseline } else { nil } }

  var expected: ExpectedChanges? { if case .mutants(let expected, _) = self { expected } else { nil } }
}
