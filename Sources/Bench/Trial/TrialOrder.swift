// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
public import SystemPackage
import Toolbox

/// Everything that decides one trial, in a form that a file can store: the series, the kernel, the tests, and the base
/// that it is compared with. Every executor gets the same trial from it.
public struct TrialOrder: Codable, Sendable {
  /// Raised when a field changes its meaning or is removed.
  public static let format = 1

  /// A series with its diffs, each with its digest.
  struct Series: Codable, Sendable {
    struct Diff: Codable, Sendable {
      /// An absolute path.
      var path: String
      var digest: String
    }

    var series: PatchSeries
    var diffs: [Diff]
  }

  /// How guests are started and watched.
  struct Guests: Codable, Sendable {
    var clocks: TrialClocks
    var keepsMemory: Bool
    /// A libvirt URI; `nil` is the embedded driver.
    var connection: String?
  }

  var format = Self.format
  /// `nil` is the base.
  var series: Series?
  var asked: AskedTests
  var rules: TrialRules
  var guests: Guests
  /// `nil` reads and builds the series outside the sandbox.
  var sandbox: Sandbox?
  /// The guest tests; `nil`, in old files, is the standard suite.
  public var suite: String?
  /// The conditions that must be the same as when the order was made.
  var conditions: RunConditions
  /// The commit, tag or branch that replaces the one of the kernel's definition; `nil` keeps that one.
  var revision: String?
  /// The base's trial, which the series is compared with; `nil` in the base's own order.
  var base: Trial?

  /// Makes the order for the base. Orders for series are made from it.
  init(_ plan: RunPlan, asked: AskedTests, clocks: TrialClocks, conditions: RunConditions) {
    self.asked = asked
    rules = TrialRules(plan)
    guests = Guests(
      clocks: clocks, keepsMemory: plan.choices.keepsMemory, connection: plan.target.connection)
    sandbox = plan.limits.sandbox
    suite = plan.checkout.suite.name
    revision = plan.target.choice?.revision
    self.conditions = conditions
  }

  /// Returns the order for a series.
  /// - Throws: ``ToolError`` if a diff cannot be read.
  func of(_ one: ReadSeries, in evidence: FilePath, base: Trial) async throws -> TrialOrder {
    var order = self
    var diffs: [Series.Diff] = []
    for diff in one.diffs {
      let path = evidence.appending(diff.lastComponent!.string).absolute
      diffs.append(Series.Diff(path: path.string, digest: try await Digest.of(file: path)))
    }
    order.series = Series(series: one.series, diffs: diffs)
    order.base = base
    return order
  }
}

/// An order cannot be run. User error; exit status 2.
public enum OrderError: Error, Sendable, Hashable {
  /// It is not a valid order. `reason` says why.
  case unreadable(path: String, reason: String)
  /// A newer patchbench made it.
  case newer(path: String, format: Int)
  /// A diff is missing or has changed.
  case noDiff(path: String)
  /// These have changed since the order was made.
  case changed([String])
  /// The directory for its evidence is not empty.
  case notEmpty(path: String)
}

extension TrialOrder {
  /// Returns where an executor writes the order, next to its evidence.
  static func file(in evidence: FilePath) -> FilePath { evidence.appending("order.json") }

  /// Returns where the process that runs the order writes the trial.
  static func result(in evidence: FilePath) -> FilePath { evidence.appending("trial.json") }

  /// Reads the trial that a process wrote; `nil` if there is no whole one.
  static func trial(in evidence: FilePath) -> Trial? {
    FileManager.default.contents(atPath: result(in: evidence).string)
      .flatMap { try? decoder.decode(Trial.self, from: $0) }
  }

  /// Returns a trial that was not carried out.
  func trial(of name: String?, _ result: TrialResult) -> Trial {
    Trial(series: name, cell: rules.cell, seconds: StageSeconds(), reused: false, result: result)
  }

  /// Reads an order.
  /// - Throws: ``OrderError``
  public init(_ path: FilePath) throws(OrderError) {
    guard let data = FileManager.default.contents(atPath: path.string) else {
      throw .unreadable(path: path.string, reason: "it is missing, or not readable")
    }
    struct Version: Decodable { var format: Int }
    guard let version = try? JSONDecoder().decode(Version.self, from: data) else {
      throw .unreadable(path: path.string, reason: "it is not an order")
    }
    if version.format > Self.format { throw .newer(path: path.string, format: version.format) }
    do { self = try Self.decoder.decode(TrialOrder.self, from: data) } catch {
      throw .unreadable(path: path.string, reason: "\(error)")
    }
  }

  func write(to path: FilePath) throws {
    try DurableFile.write(try Self.encoder.encode(self) + [0x0a], to: path)
  }

  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .secondsSince1970
    return encoder
  }

  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    return decoder
  }
}

extension TrialOrder {
  /// Runs the order in this process: builds, boots, and writes the trial and all evidence to a directory.
  /// - Parameters:
  ///   - place: its output is ignored.
  ///   - output: a directory that does not exist, is empty, or has only the order and its diffs.
  ///   - sinks: get the events.
  /// - Throws: ``OrderError``, and harness errors from before the trial begins.
  public func run(
    checkout: Checkout, place: RunPlace, resources: Resources, output: FilePath, sinks: [any EventSink]
  ) async throws -> Trial {
    let one = try await readSeries()
    try takeDirectory(output)
    await Leftovers.clear(place.cache, environment: place.environment)
    let kernel = try checkout.kernel(rules.cell.kernel, at: revision)
    let target = RunTarget(
      kernel: kernel, profile: try kernel.profile(rules.cell.profile), connection: guests.connection,
      accelerator: conditions.accelerator == .kvm ? .kvm : .tcg)
    return try await place.cache.withScratch { scratch in
      let events = EventHub(try EventRecorder(scratch.appending("events.jsonl")), sinks)
      defer { events.reportFailures() }
      // Check before building a base, because it could be a different one.
      let now = try await RunConditions(
        target, checkout, place.cache, program: try await BenchRun.programDigest(), accelerator: conditions.accelerator)
      let changes = now.changes(since: conditions)
      if !changes.isEmpty { throw OrderError.changed(changes) }
      let prepared = try await PreparedRun.make(
        target, checkout: checkout, place: place, jobs: resources.jobs, cage: try await sandbox?.cage(),
        scratch: scratch
      ) { events.send(.progress(series: one?.series.name, stage: .build, text: $0)) }
      let probing = { @Sendable in }
      let trial = try await prepared.withHost(probing: probing) { host, accelerator in
        let runner = TrialRunner(
          prepared: prepared, asked: asked,
          guests: GuestSetup(
            accelerator: accelerator.accelerator, clocks: guests.clocks, keepsMemory: guests.keepsMemory,
            baseInitramfs: try await prepared.baseInitramfs(asked)),
          rules: rules, resources: resources, host: host, events: events,
          baseAgain: BaseEvidence(directory: output.appending("base-again"), tries: Counter()))
        guard let one else { return try await runner.runBase(evidence: output) }
        try FileManager.default.createDirectory(
          atPath: output.appending("base-again").string, withIntermediateDirectories: true)
        let trials = BaseTrials()
        trials.fulfil(base)
        return try await runner.run(one, on: nil, base: trials, evidence: output)
      }
      try await RunDirectory.sync(output)
      try DurableFile.write(try Self.encoder.encode(trial) + [0x0a], to: Self.result(in: output))
      return trial
    }
  }

  private func readSeries() async throws -> ReadSeries? {
    guard let series else { return nil }
    for diff in series.diffs {
      guard let digest = try? await Digest.of(file: FilePath(diff.path)), digest == diff.digest else {
        throw OrderError.noDiff(path: diff.path)
      }
    }
    return ReadSeries(series: series.series, diffs: series.diffs.map { FilePath($0.path) })
  }

  /// Copies the diffs into the directory, as evidence of what was tried.
  private func takeDirectory(_ output: FilePath) throws {
    let manager = FileManager.default
    let diffs = series?.diffs.map { FilePath($0.path) } ?? []
    let own = Set(diffs.filter { $0.removingLastComponent() == output.absolute }.map { $0.lastComponent!.string })
    let there = (try? manager.contentsOfDirectory(atPath: output.string)) ?? []
    if !there.allSatisfy({ own.contains($0) || $0 == Self.file(in: output).lastComponent!.string }) {
      throw OrderError.notEmpty(path: output.string)
    }
    try manager.createDirectory(atPath: output.string, withIntermediateDirectories: true)
    for diff in diffs where !own.contains(diff.lastComponent!.string) {
      try manager.copyItem(atPath: diff.string, toPath: output.appending(diff.lastComponent!.string).string)
    }
  }
}

extension PreparedRun {
  /// Writes the initramfs of the base's guests.
  func baseInitramfs(_ asked: AskedTests) async throws -> FilePath {
    try await initramfs(
      "initramfs-base.cpio",
      Initramfs.Extras(
        driver: driver.modules.driver.forGuest,
        orders: asked.isPart ? GuestOptions(only: asked.names) : nil))
  }
}
