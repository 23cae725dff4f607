// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelBuild
public import SystemPackage
import Toolbox

/// What a run was asked to do, as its directory records it: enough to resume the run another day.
public struct RecordedPlan: Codable, Sendable, Hashable {
  /// Raised when a field changes its meaning or is removed.
  public static let format = 1

  public var format = Self.format
  public var kernel: String
  public var profile: String
  public var series: [Series]
  public var tests: [NamePattern]
  public var repeats: Int
  public var retries: Int
  public var accelerator: AcceleratorChoice
  public var connection: String?
  public var fresh: Bool
  public var keepsMemory: Bool
  /// The limits for builds; `nil` if they run outside the sandbox.
  public var sandbox: Sandbox?
  /// patchbench's checkout; `nil` is the checkout of the program that resumes the run.
  public var home: String?
  /// The guest tests; `nil`, in old files, is the standard suite.
  public var suite: String?
  public var cache: String
  /// The directory of the seeded series' answers, if the run is compared with them.
  public var answers: String?
  /// Whether all tests run with each fault, and not only until it is caught; `nil` is true, as in old files.
  public var runsWhole: Bool?
  /// Whether the run is a run of mutants, and is resumed as one.
  public var stopsWhenWorse: Bool?
  /// Whether a trial ends with its first confirmed regression; `nil` is false.
  public var stopsAtFirst: Bool?
  /// Changed lines that need not run; `nil` if there are none.
  public var accepted: [AcceptedLines]?
  /// Where trials run; `nil` is this process.
  public var executor: ExecutorChoice?
  /// Settings for the series; `nil` if there are none.
  public var settings: [String]?
  /// What is done with each patch; `nil` is the default.
  public var eachPatch: EachPatch?
  /// Why this kernel, and its revision if that is not the definition's; `nil` in old files.
  public var choice: BaseChoice?

  /// A series as it was read. Its diffs are in the run's directory.
  public struct Series: Codable, Sendable, Hashable {
    public var series: PatchSeries
    /// The digest of each diff.
    public var diffs: [String]
    /// See ``ReadSeries/refusal``.
    public var refusal: String?
  }

  init(_ plan: RunPlan, series: [Series]) {
    kernel = plan.target.kernel.name
    profile = plan.target.profile.name
    self.series = series
    tests = plan.choices.tests
    repeats = plan.retryPolicy.repeats
    retries = plan.retryPolicy.retries
    accelerator = plan.target.accelerator
    connection = plan.target.connection
    fresh = plan.choices.fresh
    keepsMemory = plan.choices.keepsMemory
    sandbox = plan.limits.sandbox
    home = plan.checkout.home.absolute.string
    suite = plan.checkout.suite.name
    cache = plan.place.cache.root.absolute.string
    answers = plan.purpose.answers?.absolute.string
    runsWhole = plan.purpose.witnesses.isEmpty ? nil : false
    stopsWhenWorse = plan.purpose.isOfMutants ? true : nil
    stopsAtFirst = plan.choices.stopsAtFirst ? true : nil
    accepted = plan.choices.accepted.isEmpty ? nil : plan.choices.accepted
    executor = plan.choices.executor == .local ? nil : plan.choices.executor
    settings = plan.choices.settings.isEmpty ? nil : plan.choices.settings
    eachPatch = plan.choices.eachPatch == .build ? nil : plan.choices.eachPatch
    choice = plan.target.choice
  }
}

extension RunDirectory {
  /// Reads what the run was asked to do.
  /// - Throws: ``NotResumable``
  public func recordedPlan() throws(NotResumable) -> RecordedPlan {
    guard let data = FileManager.default.contents(atPath: plan.string) else {
      throw NotResumable(path: path.string, reason: .noPlan)
    }
    struct Version: Decodable { var format: Int }
    guard let version = try? JSONDecoder().decode(Version.self, from: data) else {
      throw NotResumable(path: path.string, reason: .unreadable)
    }
    guard version.format == RecordedPlan.format else {
      throw NotResumable(path: path.string, reason: .otherFormat(version.format))
    }
    do { return try JSONDecoder().decode(RecordedPlan.self, from: data) } catch {
      throw NotResumable(path: path.string, reason: .unreadable)
    }
  }

  func write(_ recorded: RecordedPlan) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try DurableFile.write(try encoder.encode(recorded) + [0x0a], to: plan)
  }
}

/// A run cannot be resumed. User error; exit status 2.
public struct NotResumable: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    /// It is not a run, or the run ended before it had written its plan.
    case noPlan
    case unreadable
    /// Another version of patchbench wrote it.
    case otherFormat(Int)
    /// These have changed since the evidence so far was made.
    case changed([String])
  }

  public var path: String
  public var reason: Reason

  public init(path: String, reason: Reason) {
    self.path = path
    self.reason = reason
  }
}

extension NotResumable: CustomStringConvertible {
  public var description: String {
    switch reason {
    case .noPlan: "\(path) is not a run that can be resumed: it has no plan.json"
    case .unreadable: "\(path): its plan.json cannot be read"
    case .otherFormat(let format):
      "\(path): its plan.json has format \(format), but this patchbench reads format \(RecordedPlan.format)"
    case .changed(let what):
      "\(path) cannot be resumed: these have changed since it began: \(what.joined(separator: ", "))"
    }
  }
}

/// A run ended early, and not because the user stopped it. Its record has what was finished.
public struct RunBrokenOff: Error {
  public var path: String
  public var cause: any Error

  public init(path: String, cause: any Error) {
    self.path = path
    self.cause = cause
  }
}

/// The runs of one command, in order, as the directory above theirs records them.
public struct RecordedMatrix: Codable, Sendable, Hashable {
  public var format = RecordedPlan.format
  /// The names of the runs' directories.
  public var runs: [String]
  /// The cells that could not be run; `nil` until the command has ended.
  public var gaps: [CellGap]?

  private static func file(_ directory: FilePath) -> FilePath { directory.appending("matrix.json") }

  public init(runs: [String], gaps: [CellGap]? = nil) {
    self.runs = runs
    self.gaps = gaps
  }

  /// Reads the runs; `nil` if the directory has no matrix.json of this format.
  public init?(in directory: FilePath) {
    guard let data = FileManager.default.contents(atPath: Self.file(directory).string),
      let found = try? JSONDecoder().decode(Self.self, from: data), found.format == RecordedPlan.format
    else { return nil }
    self = found
  }

  public func write(in directory: FilePath) throws {
    try DurableFile.write(try JSONEncoder().encode(self) + [0x0a], to: Self.file(directory))
  }
}
