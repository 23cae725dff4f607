// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox

/// The results of trials that were kept: what a kernel says is the same as long as nothing that could change it does.
struct TrialCache: Sendable {
  var cache: Cache
  /// Where what is written lies until it is whole: a directory of this run's.
  var scratch: FilePath
  /// A digest over all that decides a trial beside the series: base, test driver, guest binary, emulator, accelerator,
  /// cell, and this program itself.
  var conditions: String
  /// What besides decides the trials of series, and not the base's: how far they are taken.
  var mode = ""

  init(cache: Cache, scratch: FilePath, conditions: String) {
    self.cache = cache
    self.scratch = scratch
    self.conditions = conditions
  }

  /// - Parameters:
  ///   - modules: the base's; `nil` where they are not built yet.
  ///   - only: the tests that are asked, where it is not all.
  ///   - sandbox: what series are built in, in words.
  init(
    _ plan: RunPlan, scratch: FilePath, conditions now: RunConditions, modules: GuestModules?, only: [String]?,
    sandbox: String?
  ) async throws {
    // A module that could not be built leaves questions without an answer, whyever that was.
    let failures = [modules?.driver, modules?.counter].map { module in
      if case .failed(let words)? = module { words } else { "" }
    }
    let conditions = try await Digest.of(
      [
        now.program, now.base, now.driver, now.guestBinary, now.emulator, now.accelerator.rawValue,
        plan.target.connection ?? "", plan.cell.kernel, plan.cell.profile, plan.cell.architecture,
        plan.cell.toolchain, plan.cell.extent.rawValue, plan.cell.guest, only?.joined(separator: " ") ?? "",
        "\(plan.retryPolicy.retries)", sandbox ?? "",
      ] + failures)
    self.init(cache: plan.place.cache, scratch: scratch, conditions: conditions)
    if plan.purpose.isOfMutants { mode = "until it is worse than \(plan.purpose.baseline?.image ?? "the base")" }
  }

  /// The key of a trial: of the digests of its diffs in their order; the base has none.
  func key(_ diffs: [String]) async throws -> String {
    try await Digest.of([conditions] + (diffs.isEmpty || mode.isEmpty ? [] : [mode]) + diffs)
  }

  /// Where it is kept which tests run what of the base.
  func reach(_ expected: ExpectedChanges) async throws -> FilePath {
    let functions = expected.functions.map { "\($0.file) \($0.name)" }
    let key = try await Digest.of([conditions, "reach", "\(expected.lines)"] + functions)
    return cache.trials.appending("reach-\(key).json")
  }

  private func directory(_ key: String) -> FilePath { cache.trials.appending(key) }

  private struct Kept: Codable {
    var trial: Trial
    /// What the base said that the series was tried beside, see ``baseFingerprint(of:)``; `nil` if that decides nothing.
    var base: String?
  }

  /// What a series is held against, as a digest: which tests are tried again, and so what is kept of them, depends on it.
  /// - Returns: `nil` if the base was not run.
  static func baseFingerprint(of base: Trial) async throws -> String? {
    guard case .ran(let run) = base.result else { return nil }
    let tests = run.tests.flatMap { [$0.name, $0.status.rawValue] }
    return try await Digest.of(["\(run.ending)"] + tests + run.reports.map(\.title).sorted())
  }

  /// The kept trial as it was written, without its evidence.
  /// - Parameter base: what the base says now; `nil` if that is not known yet.
  /// - Returns: `nil` if there is none that fits the series and the base.
  func find(_ key: String, for series: PatchSeries?, beside base: String?) -> Trial? {
    let data = FileManager.default.contents(atPath: directory(key).appending("trial.json").string)
    guard let kept = data.flatMap({ try? JSONDecoder().decode(Kept.self, from: $0) }) else { return nil }
    if let before = kept.base, before != base { return nil }
    return Self.fits(kept.trial, series) ? kept.trial : nil
  }

  /// The kept trial, marked as reused, with its evidence copied to `directory`.
  /// - Parameters:
  ///   - series: the name that it has in this run; the same patches may come under another.
  ///   - base: as of ``find(_:for:beside:)``.
  /// - Returns: `nil` if there is none, or if it cannot be read whole.
  func reuse(_ key: String, as series: PatchSeries?, beside base: String?, evidence target: FilePath) -> Trial? {
    let manager = FileManager.default
    guard var trial = find(key, for: series, beside: base) else { return nil }
    do {
      for name in try manager.contentsOfDirectory(atPath: directory(key).string) where name != "trial.json" {
        let copy = target.appending(name).string
        if manager.fileExists(atPath: copy) { try manager.removeItem(atPath: copy) }
        try manager.copyItem(atPath: directory(key).appending(name).string, toPath: copy)
      }
      // How old it is tells what to remove when the cache is full: not what is of use.
      try manager.setAttributes([.modificationDate: Date()], ofItemAtPath: directory(key).string)
    } catch { return nil }
    trial.series = series?.name
    trial.reused = true
    return trial
  }

  /// What was built and what each of its guests said. Not the disks: they are read behind the last guest of the run. And
  /// what the base was asked again belongs to the series that it was asked for.
  private static func isEvidence(_ name: String, of trial: Trial) -> Bool {
    (name.hasSuffix(".log") || name.hasSuffix(".ktap")) && (trial.series != nil || !name.contains("-again-"))
  }

  /// A patch that was refused or blamed is named in the result; under other file names it has to be named anew.
  private static func fits(_ trial: Trial, _ series: PatchSeries?) -> Bool {
    let files = Set(series?.patches.map(\.file) ?? [])
    switch trial.result {
    case .doesNotApply(let failure): return series?.patches.contains(failure.patch) ?? false
    case .doesNotBuild(let failure): return failure.diagnostics.compactMap(\.patch).allSatisfy(files.contains)
    case .sameCode, .built, .ran, .fault, .interrupted: return true
    }
  }

  /// Keeps a trial that will come out the same again: refused, broken, or run to an end that the kernel itself made,
  /// with its evidence whole. What a deadline or a fault ended may go otherwise another time, unless it hangs in the
  /// kernel. Written beside its place and moved there, so that another run sees all of it or nothing, also if this one is
  /// killed. A cache that cannot be written to costs the next run its time and this one nothing.
  /// - Parameter base: what the base said that the series was tried beside.
  func keep(_ trial: Trial, _ key: String, beside base: String?, evidence source: FilePath) async {
    switch trial.result {
    case .sameCode, .built: break
    case .doesNotApply(let failure):
      // Where git names no file it may be that it was ended.
      if failure.file == nil { return }
    case .doesNotBuild(let failure):
      // A machine that ran short in words that nobody knows would otherwise stand as the series' fault from then on.
      if !failure.diagnostics.contains(where: { $0.patch != nil }) { return }
    case .ran(let run):
      if trial.series != nil, base == nil { return }
      guard run.anomalies.isEmpty, run.booted else { return }
      // What could not even be killed was not just slow.
      let late = run.tests.filter { $0.status == .timeout }
      guard trial.series == nil ? late.isEmpty : late.allSatisfy(\.hangs) else { return }
      switch run.ending {
      case .completed: break
      case .runDeadline where trial.cutShort != nil: break
      case .panicked: if trial.series == nil { return }
      case .stoppedEarly, .silent, .bootDeadline, .runDeadline, .flooded, .machineDied: return
      }
      if trial.series == nil, run.tests.contains(where: { $0.status == .missing }) { return }
    case .fault, .interrupted: return
    }
    let manager = FileManager.default
    let partial = scratch.appending("trial-\(key)")
    defer { try? manager.removeItem(atPath: partial.string) }
    do {
      try manager.createDirectory(atPath: partial.string, withIntermediateDirectories: false)
      for name in try manager.contentsOfDirectory(atPath: source.string) where Self.isEvidence(name, of: trial) {
        try manager.copyItem(atPath: source.appending(name).string, toPath: partial.appending(name).string)
      }
      var kept = Kept(trial: trial)
      // What was not run was not held against anything.
      if trial.series != nil, case .ran = trial.result { kept.base = base }
      try JSONEncoder().encode(kept).write(to: URL(filePath: partial.appending("trial.json").string))
      // A power cut must not leave the name of what was not written.
      try await RunDirectory.sync(partial)
      try? manager.removeItem(atPath: directory(key).string)
      // Another run may have put its own, equal one there in between; then ours is not needed.
      try manager.moveItem(atPath: partial.string, toPath: directory(key).string)
    } catch {}
  }
}
