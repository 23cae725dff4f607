// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import GuestMachine
import KernelBuild
public import SeriesIntake
public import SystemPackage

/// Everything that a run is asked to do.
public struct RunPlan: Sendable {
  public var target: RunTarget
  public var series: [any SeriesSource]
  public var choices: RunChoices
  public var retryPolicy: RetryPolicy
  public var limits: RunLimits
  public var checkout: Checkout
  public var place: RunPlace
  public var purpose: RunPurpose

  public init(
    target: RunTarget, series: [any SeriesSource], choices: RunChoices, retryPolicy: RetryPolicy, limits: RunLimits,
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

  /// The cell of every trial in this run.
  public var cell: Cell {
    Cell(
      kernel: target.kernel.name, profile: target.profile.name, architecture: target.profile.toolchain.target,
      toolchain: target.profile.toolchain.compiler, extent: target.profile.extent,
      guest: target.profile.architecture.emulation.machine)
  }
}

/// The options of a run that the user may choose.
public struct RunChoices: Sendable, Hashable {
  /// Which tests run; all, if there are no patterns.
  public var tests: [NamePattern]
  /// Whether to ignore cached results.
  public var fresh: Bool
  /// Whether to save the memory of guests that panic or hang, next to their console logs.
  public var keepsMemory: Bool
  /// Whether a series' trial ends with its first confirmed regression.
  public var stopsAtFirst: Bool
  /// Changed lines that need not run.
  public var accepted: [AcceptedLines]
  public var executor: ExecutorChoice
  /// Lines such as `CONFIG_X=y`, which are added to the profile's for the series, and not for the base.
  public var settings: [String]
  /// What is done with each patch of a series of several, besides the whole.
  public var eachPatch: EachPatch

  public init(
    tests: [NamePattern], fresh: Bool, keepsMemory: Bool, stopsAtFirst: Bool, accepted: [AcceptedLines],
    executor: ExecutorChoice, settings: [String] = [], eachPatch: EachPatch = .build
  ) {
    self.tests = tests
    self.fresh = fresh
    self.keepsMemory = keepsMemory
    self.stopsAtFirst = stopsAtFirst
    self.accepted = accepted
    self.executor = executor
    self.settings = settings
    self.eachPatch = eachPatch
  }
}

/// Where trials run.
public enum ExecutorChoice: String, Codable, Sendable, Hashable, CaseIterable {
  /// This process.
  case local
  /// One process per trial, which gets nothing but an order: `patchbench trial`.
  case process
  /// The same as a job of Slurm's, on any of its nodes.
  case slurm
}

/// What is done with each patch of a series of several, besides the whole. The last patch is the whole.
public enum EachPatch: String, Codable, Sendable, Hashable, CaseIterable {
  case none
  /// Each patch is compiled in its turn. If the series is not worse than the base, a few tests that run what a patch
  /// changes are run after it, where that is cheap.
  case build
  /// Each patch is compiled, and all tests are run after it.
  case test
}

/// What a run's results are for.
public enum RunPurpose: Sendable {
  /// To give each series a verdict.
  case verdicts
  /// To be compared with the known answers of seeded series.
  /// - Parameters:
  ///   - answers: the directory of the series and their answers.
  ///   - witnesses: what ends a fault's trial as soon as it is certain, by series; empty if all tests run.
  case selfCheck(answers: FilePath, witnesses: [String: [Witness]])
  /// To find out of each mutant whether the tests notice it. Its trial ends as soon as it is certainly worse.
  /// - Parameters:
  ///   - expected: what the mutants change; `nil` if that is not known.
  ///   - baseline: what the mutants are compared with; `nil` is the base.
  case mutants(expected: ExpectedChanges?, baseline: Baseline?)
}

/// Functions that mutants change. The run first finds out which tests run them. These tests are then run first, or
/// alone if it is known which tests run the changed lines.
public struct ExpectedChanges: Sendable, Hashable {
  public var functions: [CodeChange.Function]
  /// Whether to also find out which of their lines run.
  public var lines: Bool

  public init(functions: [CodeChange.Function], lines: Bool) {
    self.functions = functions
    self.lines = lines
  }

  var byFile: [String: Set<String>] {
    functions.reduce(into: [:]) { $0[$1.file, default: []].insert($1.name) }
  }
}

/// A series that mutants are made from and compared with.
public struct Baseline: Codable, Sendable {
  public var trial: Trial
  /// The digest of its image. A mutant with the same image is not run.
  public var image: String

  public init(trial: Trial, image: String) {
    self.trial = trial
    self.image = image
  }
}

extension RunPurpose {
  /// Whether the run is a run of mutants.
  var isOfMutants: Bool { if case .mutants = self { true } else { false } }

  var answers: FilePath? { if case .selfCheck(let answers, _) = self { answers } else { nil } }

  var witnesses: [String: [Witness]] { if case .selfCheck(_, let witnesses) = self { witnesses } else { [:] } }

  var baseline: Baseline? { if case .mutants(_, let baseline) = self { baseline } else { nil } }

  var expected: ExpectedChanges? { if case .mutants(let expected, _) = self { expected } else { nil } }
}
