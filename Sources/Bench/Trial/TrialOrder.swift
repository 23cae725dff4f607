// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
public import SystemPackage
import Toolbox

/// Everything that decides one trial, as a file can hold it: what is tried, on what, by which tests, and what it is held
/// against. Whoever carries it out comes to the same trial.
public struct TrialOrder: Codable, Sendable {
  /// Raised when a field changes its meaning or goes.
  public static let format = 1

  /// A series with its diffs, each known by its digest.
  struct Series: Codable, Sendable {
    struct Diff: Codable, Sendable {
      /// Absolute.
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
  /// `nil` reads and builds the series without a cage.
  var sandbox: Sandbox?
  /// What has to be as it is where the order was made.
  var conditions: RunConditions
  /// What the series is held against; `nil` for the base's own order.
  var base: Trial?

  /// An order for the base, of which others are made.
  init(_ plan: RunPlan, asked: AskedTests, clocks: TrialClocks, conditions: RunConditions) {
    self.asked = asked
    rules = TrialRules(plan)
    guests = Guests(
      clocks: clocks, keepsMemory: plan.choices.keepsMemory, connection: plan.target.connection)
    sandbox = plan.limits.sandbox
    self.conditions = conditions
  }

  /// The same for a series.
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

/// An order that cannot be carried out. Nobody's fault but that of who gave it: exit status 2.
public enum OrderError: Error, Sendable, Hashable {
  /// It is no order; why, in words.
  case unreadable(path: String, reason: String)
  /// A newer patchbench has made it.
  case newer(path: String, format: Int)
  /// A diff is not there, or not what it was.
  case noDiff(path: String)
  /// What it was made with is not what there is.
  case changed([String])
  /// There is something in the directory for its evidence.
  case notEmpty(path: String)
}

extension TrialOrder {
  /// Where an executor leaves the order, beside its evidence.
  static func file(in evidence: FilePath) -> FilePath { evidence.appending("order.json") }

  /// Where whoever carries the order out leaves its trial.
  static func result(in evidence: FilePath) -> FilePath { evidence.appending("trial.json") }

  /// - Throws: ``OrderError``
  public init(_ path: FilePath) throws(OrderError) {
    guard let data = FileManager.default.contents(atPath: path.string) else {
      throw .unreadable(path: path.string, reason: "it is not there, or may not be read")
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
  /// Carries the order out here: builds, boots, and leaves the trial and all evidence in a directory.
  /// - Parameters:
  ///   - place: its output is not looked at.
  ///   - output: new, empty, or with nothing in it but the order and its diffs.
  ///   - sinks: told what goes on.
  /// - Throws: ``OrderError``, and what the harness fails at before the trial begins.
  public func run(
    checkout: Checkout, place: RunPlace, resources: Resources, output: FilePath, sinks: [any EventSink]
  ) async throws -> Trial {
    let one = try await readSeries()
    try takeDirectory(output)
    await Leftovers.clear(place.cache, environment: place.environment)
    let kernel = try KernelDefinition.load(rules.cell.kernel, from: checkout.kernels)
    let target = RunTarget(
      kernel: kernel, profile: try kernel.profile(rules.cell.profile), connection: guests.connection,
      accelerator: conditions.accelerator == .kvm ? .kvm : .tcg)
    return try await place.cache.withScratch { scratch in
      let events = EventHub(try EventRecorder(scratch.appending("events.jsonl")), sinks)
      defer { events.reportFailures() }
      // Before a base is built that would be another.
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
            baseInitramfs: try await prepared.baseInitramfs(asked, guests.clocks)),
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

  /// Has the diffs lie in the directory, as evidence of what was tried.
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
  /// What the base's guests start from.
  func baseInitramfs(_ asked: AskedTests, _ clocks: TrialClocks) async throws -> FilePath {
    try await initramfs(
      "initramfs-base.cpio",
      Initramfs.Extras(
        driver: driver.modules.driver.forGuest,
        orders: asked.isPart ? GuestOptions(only: asked.names, testSeconds: clocks.test) : nil))
  }
}
