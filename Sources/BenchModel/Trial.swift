// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

/// The stages between a patch and a verdict, in order.
public enum Stage: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
  case apply, build, boot, tests, done

  public static func < (a: Stage, b: Stage) -> Bool {
    allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
  }
}

/// What a trial's wall time is spent on, in the order of the work.
public enum CostStep: String, Codable, Sendable, Hashable, CaseIterable {
  /// Making the tree and applying the patches.
  case apply
  /// Determining what to compile: resolving the configuration, and kbuild's walk before its first compiler.
  case configure
  case compile
  case link
  /// Determining what changed in the compiled code, and preparing the guest: its test driver, and what to count in it.
  case examine
  /// From requesting the domain until it runs.
  case start
  /// From then until the guest's first line.
  case boot
  /// From the guest's first line to the end of the domain.
  case tests
  /// Reading the guest's remaining output, and cleaning up.
  case collect
  /// Guests of the base, started for this series to run again what it changed.
  case base
  /// Builds and guests of its first patches, to find one that breaks something.
  case blame
}

/// Wall time per step, in seconds; `nil` for a step that was not reached or whose time is unknown. No step includes the
/// time a trial waited for its turn.
public struct StageSeconds: Codable, Sendable, Hashable, ExpressibleByDictionaryLiteral {
  private var values: [CostStep: Double]

  public init(_ values: [CostStep: Double] = [:]) { self.values = values }
  public init(dictionaryLiteral elements: (CostStep, Double)...) {
    values = Dictionary(elements, uniquingKeysWith: +)
  }

  /// An object with the steps' names as its keys. A name that is not known is left out: it is a newer patchbench's.
  public init(from decoder: any Decoder) throws {
    let named = try decoder.singleValueContainer().decode([String: Double?].self)
    values = [:]
    for step in CostStep.allCases { values[step] = named[step.rawValue] ?? nil }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) }))
  }

  public subscript(_ step: CostStep) -> Double? {
    get { values[step] }
    set { values[step] = newValue }
  }

  /// Adds to the time of a step; an unknown time adds nothing.
  public mutating func add(_ step: CostStep, _ seconds: Double?) {
    if let seconds { self[step] = (self[step] ?? 0) + seconds }
  }

  /// The whole build; `nil` if no build was started.
  public var build: Double? { sum([.configure, .compile, .link]) }

  /// All steps together; `nil` if none is known.
  public var total: Double? { sum(CostStep.allCases) }

  private func sum(_ steps: [CostStep]) -> Double? {
    let known = steps.compactMap { self[$0] }
    return known.isEmpty ? nil : known.reduce(0, +)
  }
}

/// How a series' image was built, and how much of it already existed.
public struct BuildWork: Codable, Sendable, Hashable {
  public enum Method: String, Codable, Sendable, Hashable, CaseIterable {
    /// kbuild's own commands, as recorded for the base, for the objects that the series touches.
    case replay
    /// `make`, which walks the whole tree.
    case kbuild
    /// The series touches nothing compiled under this configuration, so the image is the base's.
    case unchanged
  }

  public var method: Method
  /// Objects that were built, by a compiler or from ccache.
  public var objects: Int
  /// How many of them came from ccache.
  public var cached: Int
  /// Leading patches whose objects were built once for several series of the run.
  public var sharedPatches: Int

  public init(method: Method, objects: Int, cached: Int, sharedPatches: Int = 0) {
    self.method = method
    self.objects = objects
    self.cached = cached
    self.sharedPatches = sharedPatches
  }
}

/// What executes the guest's instructions: KVM, or QEMU's emulation.
public enum Accelerator: String, Codable, Sendable, Hashable {
  case kvm, tcg
}

/// A fault of the harness or of its machine, never of a series.
public struct HarnessFault: Error, Codable, Sendable, Hashable {
  public var stage: Stage
  public var message: String
  /// What the user can do about it.
  public var advice: String?

  public init(stage: Stage, message: String, advice: String? = nil) {
    self.stage = stage
    self.message = message
    self.advice = advice
  }
}

/// How far one candidate, or the base, got.
public enum TrialResult: Codable, Sendable, Hashable {
  case doesNotApply(ApplyFailure)
  case doesNotBuild(BuildFailure)
  /// It was built, and all compiled code is the same as the base's: there was nothing to run.
  case sameCode
  /// It was built, in a cell that boots nothing.
  case built
  /// The guest ran, but perhaps not to completion, and perhaps without ever saying hello.
  case ran(GuestRun)
  /// The harness failed; the series is not to blame.
  case fault(HarnessFault)
  /// The user stopped the run before this trial ended.
  case interrupted
}

/// One candidate, or the base, in one cell.
public struct Trial: Codable, Sendable, Hashable {
  /// The series' name; `nil` is the base.
  public var series: String?
  public var cell: Cell
  public var seconds: StageSeconds
  /// How its image was built; `nil` for the base, and if the build was not reached.
  public var work: BuildWork?
  /// What it changes in the compiled code; `nil` for the base, and if the build was not reached.
  public var change: CodeChange?
  /// The result was taken from an earlier run with the same kernel, configuration, guest binary and toolchain.
  public var reused: Bool
  public var result: TrialResult
  /// What further guests reported, one list per guest of the tests it ran: a result was checked again, or the whole
  /// trial was repeated.
  public var again: [[TestResult]]?
  /// What further guests of the base reported for the same tests.
  public var baseAgain: [[TestResult]]?
  /// Kernel reports that the base's first guest does not have and a further one has, as far as the series' guests have
  /// them, too; `nil` if there are none.
  public var baseReports: [KernelReport]?
  /// What was recovered from the disks of its guests that did not complete.
  public var states: [StateEvidence]?
  /// Whether each patch was compiled in its turn, or only the whole series; `nil` if it has one patch, or if its build
  /// was not reached.
  public var eachPatch: Bool?
  /// The compiler's warnings that the base's build does not have; `nil` if they were not looked for.
  public var warnings: [Diagnostic]?
  /// Why its first guest was stopped early; `nil` if it was not.
  public var cutShort: CutShort?
  /// Which patches bring what is worse than on the base; `nil` if that was not asked.
  public var culprits: [Culprit]?
  /// What the tests say between the patches; `nil` if they were not run there.
  public var patchTests: PatchTests?
  /// Of the base: which tests ran which functions; `nil` if that was not counted.
  public var reach: TestReach?
  /// How many seconds after its guest's first line a result was first worse than the base's; `nil` if none was.
  public var firstNews: Double?

  public init(
    series: String?, cell: Cell, seconds: StageSeconds, work: BuildWork? = nil, change: CodeChange? = nil,
    reused: Bool, result: TrialResult
  ) {
    self.series = series
    self.cell = cell
    self.seconds = seconds
    self.work = work
    self.change = change
    self.reused = reused
    self.result = result
  }
}

/// What was recovered from one guest's state disk. No verdict relies on it: a guest wrote it, unobserved.
public struct StateEvidence: Codable, Sendable, Hashable {
  /// The disk's image, relative to the run's directory: `series/NAME/state.img`. It is deleted once it has been read.
  public var image: String
  /// The files from it, likewise: `series/NAME/state-kmsg`.
  public var files: [String]
  /// Why there are no more files.
  public var failure: String?

  public init(image: String, files: [String], failure: String? = nil) {
    self.image = image
    self.files = files
    self.failure = failure
  }
}
