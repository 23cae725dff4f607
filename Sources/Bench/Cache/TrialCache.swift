// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox

/// The cached results of trials. A result stays valid while nothing that could change it has changed.
struct TrialCache: Sendable {
  var cache: Cache
  /// A directory of this run, for entries that are not complete yet.
  var scratch: FilePath
  /// A digest of everything that decides a trial besides the series: base, test driver, guest binary, emulator,
  /// accelerator, cell, and this program itself.
  var conditions: String
  /// How far trials of series are taken. This also decides their results, but not the base's result.
  var mode = ""
  /// What ends a planted fault's trial, by series. It decides that series' result.
  var witnesses: [String: [Witness]] = [:]
  /// What is done with each patch of a series of several.
  var eachPatch = EachPatch.build

  init(cache: Cache, scratch: FilePath, conditions: String) {
    self.cache = cache
    self.scratch = scratch
    self.conditions = conditions
  }

  /// - Parameters:
  ///   - modules: the base's modules; `nil` if they are not built yet.
  ///   - only: the tests that run; `nil` if all do.
  ///   - sandbox: a description of the sandbox that series are built in.
  init(
    _ plan: RunPlan, scratch: FilePath, conditions now: RunConditions, modules: GuestModules?, only: [String]?,
    sandbox: String?
  ) async throws {
    // If a module could not be built, for whatever reason, some tests give no answer.
    let failures = [modules?.driver, modules?.counter].map { module in
      if case .failed(let words)? = module { words } else { "" }
    }
    let conditions = try await Digest.of(
      [
        now.program, now.base, now.driver, now.guestBinary, now.emulator, now.accelerator.rawValue,
        plan.target.connection ?? "", plan.cell.kernel, plan.cell.profile, plan.cell.architecture,
        plan.cell.toolchain, plan.cell.extent.rawValue, plan.cell.guest, only?.joined(separator: " ") ?? "",
        "\(plan.retryPolicy.retries)", sandbox ?? "",
        plan.target.profile.checks.map(\.name).joined(separator: " "), (now.devices ?? []).joined(separator: " "),
      ] + failures)
    self.init(cache: plan.place.cache, scratch: scratch, conditions: conditions)
    mode = plan.choices.settings.joined(separator: " ")
    eachPatch = plan.choices.eachPatch
    if plan.purpose.isOfMutants {
      mode = "until it is worse than \(plan.purpose.baseline?.image ?? "the base")"
    } else if plan.choices.stopsAtFirst {
      mode += " until its first regression"
    }
    witnesses = plan.purpose.witnesses
  }

  /// Returns the key of a trial, from the digests of its diffs in their order. The base has no diffs.
  /// - Parameter name: the name of the series; `nil` if it does not matter.
  func key(_ diffs: [String], of name: String? = nil) async throws -> String {
    var modes = (mode.isEmpty ? [] : [mode]) + (diffs.count > 1 ? ["each patch: \(eachPatch.rawValue)"] : [])
    if let ends = name.flatMap({ witnesses[$0] }) { modes.append("until caught by \(ends)") }
    return try await Digest.of([conditions] + (diffs.isEmpty ? [] : modes) + diffs)
  }

  /// Returns the file that says which tests run which code of the base.
  func reach(_ expected: ExpectedChanges) async throws -> FilePath {
    let functions = expected.functions.map { "\($0.file) \($0.name)" }
    let key = try await Digest.of([conditions, "reach", "\(expected.lines)"] + functions)
    return cache.trials.appending("reach-\(key).json")
  }

  private func directory(_ key: String) -> FilePath { cache.trials.appending(key) }

  private struct Kept: Codable {
    var trial: Trial
    /// The fingerprint of the base that the series was compared with, see ``baseFingerprint(of:)``; `nil` if the result
    /// does not depend on it.
    var base: String?
  }

  /// Returns a digest of the base's results. They decide which tests of a series are rerun, and so what is cached.
  /// - Returns: `nil` if the base was not run.
  static func baseFingerprint(of base: Trial) async throws -> String? {
    guard case .ran(let run) = base.result else { return nil }
    let tests = run.tests.flatMap { [$0.name, $0.status.rawValue] }
    return try await Digest.of(["\(run.ending)"] + tests + run.reports.map(\.title).sorted())
  }

  /// Returns the cached trial as it was written, without its evidence.
  /// - Parameter base: the base's fingerprint now; `nil` if it is not known yet.
  /// - Returns: `nil` if no cached trial fits the series and the base.
  func find(_ key: String, for series: PatchSeries?, beside base: String?) -> Trial? {
    let data = FileManager.default.contents(atPath: directory(key).appending("trial.json").string)
    guard let kept = data.flatMap({ try? JSONDecoder().decode(Kept.self, from: $0) }) else { return nil }
    if let before = kept.base, before != base { return nil }
    return Self.fits(kept.trial, series) ? kept.trial : nil
  }

  /// Returns the cached trial, marked as reused, and copies its evidence to `target`.
  /// - Parameters:
  ///   - series: the series in this run. The same patches may have been cached under another name.
  ///   - base: as in ``find(_:for:beside:)``.
  /// - Returns: `nil` if there is none, or if part of it cannot be read.
  func reuse(_ key: String, as series: PatchSeries?, beside base: String?, evidence target: FilePath) -> Trial? {
    let manager = FileManager.default
    guard var trial = find(key, for: series, beside: base) else { return nil }
    do {
      for name in try manager.contentsOfDirectory(atPath: directory(key).string) where name != "trial.json" {
        let copy = target.appending(name).string
        if manager.fileExists(atPath: copy) { try manager.removeItem(atPath: copy) }
        try manager.copyItem(atPath: directory(key).appending(name).string, toPath: copy)
      }
      // A full cache drops its oldest entries first, so mark this one as used.
      try manager.setAttributes([.modificationDate: Date()], ofItemAtPath: directory(key).string)
    } catch { return nil }
    trial.series = series?.name
    trial.reused = true
    return trial
  }

  /// Whether a file belongs to the cached evidence: build logs, and what each guest said.
  ///
  /// Disks do not belong to it, because they are read after the last guest of the run. Reruns of the base do not
  /// either, because they belong to the series that they were made for.
  private static func isEvidence(_ name: String, of trial: Trial) -> Bool {
    (name.hasSuffix(".log") || name.hasSuffix(".ktap")) && (trial.series != nil || !name.contains("-again-"))
  }

  /// Whether a result fits a series. A result names the patch that is to blame, so it does not fit a series
  /// whose files or subjects are others.
  private static func fits(_ trial: Trial, _ series: PatchSeries?) -> Bool {
    let patches = series?.patches ?? []
    let files = Set(patches.map(\.file))
    switch trial.result {
    case .doesNotBuild(let failure):
      if let place = failure.after,
        !patches.contains(where: { $0.file == place.patch && $0.subject == place.subject })
      {
        return false
      }
      return failure.diagnostics.compactMap(\.patch).allSatisfy(files.contains)
    case .doesNotApply, .sameCode, .built, .ran, .fault, .interrupted: return true
    }
  }

  /// Caches a trial whose result would be the same again: the build failed, or the guest ran to an end that the kernel
  /// itself caused, with complete evidence.
  ///
  /// Timeouts and harness faults are not cached, because the next try may end differently. A test that hangs in the
  /// kernel is cached.
  ///
  /// The entry is written elsewhere and then moved into place, so that other runs see all of it or nothing, even if
  /// this run is killed. If the cache cannot be written to, this run does not fail; the next run just has to do the
  /// work again.
  /// - Parameter base: the fingerprint of the base that the series was compared with.
  func keep(_ trial: Trial, _ key: String, beside base: String?, evidence source: FilePath) async {
    if trial.patchTests?.hasFault == true { return }
    if trial.series != nil, trial.wasCompared, base == nil { return }
    switch trial.result {
    case .sameCode, .built: break
    // That is known at once, and which other kernels the series applies to depends on those that are built by then.
    case .doesNotApply: return
    case .doesNotBuild(let failure):
      // Without a blamed patch, the cause may be a resource shortage with an unknown message. Caching that would blame
      // the series from then on.
      if !failure.diagnostics.contains(where: { $0.patch != nil }) { return }
    case .ran(let run):
      guard run.anomalies.isEmpty, run.booted, run.bootFailure == nil else { return }
      // A rerun has answered for tests that ran out of a short limit, but on another day they may not run out of it.
      if run.overdue != nil { return }
      // A test that even SIGKILL could not end was not just slow.
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
      if trial.series != nil, trial.wasCompared { kept.base = base }
      try JSONEncoder().encode(kept).write(to: URL(filePath: partial.appending("trial.json").string))
      // A power cut must not leave an entry whose content was not written.
      try await RunDirectory.sync(partial)
      try? manager.removeItem(atPath: directory(key).string)
      // If another run has put an equal entry there in the meantime, ours is not needed.
      try manager.moveItem(atPath: partial.string, toPath: directory(key).string)
    } catch {}
  }
}

extension Trial {
  /// Whether its result depends on what tests answer on the base.
  var wasCompared: Bool { if case .ran = result { true } else { patchTests != nil } }
}
