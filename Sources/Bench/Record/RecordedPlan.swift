// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelBuild
public import SystemPackage
import Toolbox

/// What a run was asked to do, as its directory keeps it: enough to go on with it another day.
public struct RecordedPlan: Codable, Sendable, Hashable {
  /// Raised when a field changes its meaning or goes.
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
  /// What builds may take; `nil` where they are in no cage.
  public var sandbox: Sandbox?
  /// patchbench's checkout; `nil` is that of the program that goes on.
  public var home: String?
  public var cache: String
  /// Where the answers of seeded series are, if the run is to be held against them.
  public var answers: String?
  /// The run is one of mutants, and goes on as such.
  public var stopsWhenWorse: Bool?
  /// Changed lines that need not run; `nil` where there are none.
  public var accepted: [AcceptedLines]?
  /// `nil` is this process.
  public var executor: ExecutorChoice?

  /// A series as it was read. Its diffs lie in the run's directory.
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
    cache = plan.place.cache.root.absolute.string
    answers = plan.purpose.answers?.absolute.string
    stopsWhenWorse = plan.purpose.isOfMutants ? true : nil
    accepted = plan.choices.accepted.isEmpty ? nil : plan.choices.accepted
    executor = plan.choices.executor == .local ? nil : plan.choices.executor
  }
}

extension RunDirectory {
  /// What the run was asked to do.
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

/// Why a run cannot be gone on with. The user's to mend: exit status 2.
public struct NotResumable: Error, Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    /// It is no run, or one that was ended before it had written down what it was asked to do.
    case noPlan
    case unreadable
    /// Another version of patchbench has written it.
    case otherFormat(Int)
    /// These are no longer what the evidence so far was made with.
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
    case .noPlan: "\(path) is no run that can be resumed: it has no plan.json"
    case .unreadable: "\(path): its plan.json cannot be read"
    case .otherFormat(let format):
      "\(path): its plan.json has format \(format), this patchbench reads format \(RecordedPlan.format)"
    case .changed(let what):
      "\(path) would no longer be one run: since it began, \(what.joined(separator: ", ")) changed"
    }
  }
}

/// A run ended before all was tried, and not because the user stopped it. What was finished is in its record.
public struct RunBrokenOff: Error {
  public var path: String
  public var cause: any Error

  public init(path: String, cause: any Error) {
    self.path = path
    self.cause = cause
  }
}

/// The configurations of one command, in their order, as the directory above theirs keeps them.
public struct RecordedMatrix: Codable, Sendable, Hashable {
  public var format = RecordedPlan.format
  /// The names of the runs' directories.
  public var runs: [String]

  private static func file(_ directory: FilePath) -> FilePath { directory.appending("matrix.json") }

  public init(runs: [String]) { self.runs = runs }

  /// - Returns: `nil` if there is none.
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
