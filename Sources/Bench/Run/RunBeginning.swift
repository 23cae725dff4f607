// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

extension BenchRun {
  /// Reads the series and creates the run's directory, with the series' diffs and the plan. From then on the run can be
  /// resumed, whatever happens to this process or to the user's files.
  /// - Throws: ``IntakeError`` and ``OutputNotEmpty`` for unusable input, before anything is written; ``ToolError``,
  ///   and file system errors.
  public func begin() async throws -> RunDirectory {
    // Report a misspelt name now, not after minutes of building a base.
    if !plan.choices.tests.isEmpty {
      _ = try await TestListing.read(from: plan.checkout.guestBinary).names(plan.choices.tests)
    }
    let cage = try await plan.limits.sandbox?.cage()
    return try await plan.place.cache.withScratch { scratch in
      try await makeDirectory(for: try await read(into: scratch, cage: cage))
    }
  }

  /// Reads all requested series. If one of several cannot be read, it counts as not applying, and the others are still
  /// tried.
  /// - Throws: ``IntakeError`` if no series can be read.
  func read(into scratch: FilePath, cage: Cage?) async throws -> [ReadSeries] {
    try await readAll(plan.series, jobs: plan.limits.resources.jobs, into: scratch, cage: cage)
  }

  /// Creates the run's directory and copies the series' diffs there, as evidence of what was tested.
  private func makeDirectory(for series: [ReadSeries]) async throws -> RunDirectory {
    let path =
      plan.place.output
      ?? RunDirectory.fresh(
        under: plan.place.results, label: "\(plan.target.kernel.label)-\(plan.target.profile.name)", at: Date())
    let manager = FileManager.default
    let directory = RunDirectory(path)
    if let existing = try? manager.contentsOfDirectory(atPath: path.string), !existing.isEmpty {
      guard directory.isBrokenBeginning else {
        throw OutputNotEmpty(path: path.string, isRun: manager.fileExists(atPath: directory.plan.string))
      }
      try directory.discard()
    }
    try manager.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    // First, so that the directory is recognized as a run's, whenever this process ends.
    let claim = try directory.claim()
    defer { directory.release(claim) }
    // Another run may have taken the directory since the check above.
    guard try manager.contentsOfDirectory(atPath: path.string) == ["lock"] else {
      throw OutputNotEmpty(path: path.string, isRun: manager.fileExists(atPath: directory.plan.string))
    }
    do {
      try manager.createDirectory(atPath: directory.evidence(nil).string, withIntermediateDirectories: true)
      var recorded: [RecordedPlan.Series] = []
      for one in series {
        let evidence = directory.evidence(one.series.name)
        try manager.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
        var digests: [String] = []
        for diff in one.diffs {
          let copy = evidence.appending(diff.lastComponent!.string)
          try manager.copyItem(atPath: diff.string, toPath: copy.string)
          digests.append(try await Digest.of(file: copy.absolute))
        }
        try await RunDirectory.sync(evidence)
        recorded.append(RecordedPlan.Series(series: one.series, diffs: digests, refusal: one.refusal))
      }
      if !series.isEmpty { try DurableFile.sync(path.appending("series")) }
      try directory.write(RecordedPlan(plan, series: recorded))
      try DurableFile.sync(path.removingLastComponent())
      return directory
    } catch {
      try? directory.discard()
      throw error
    }
  }

  /// Returns the series of a begun run from its directory. The user's own files may have changed since.
  /// - Throws: ``NotResumable`` if a diff in the directory has changed.
  func recordedSeries(of directory: RunDirectory) async throws -> [ReadSeries] {
    var series: [ReadSeries] = []
    for one in try directory.recordedPlan().series {
      let evidence = directory.evidence(one.series.name).absolute
      let diffs = one.diffs.indices.map { evidence.appending(ReadSeries.diffName($0 + 1)) }
      for (diff, digest) in zip(diffs, one.diffs) {
        // A missing diff has no digest.
        let now = try? await Digest.of(file: diff)
        if now == digest { continue }
        if Task.isCancelled { throw CancellationError() }
        throw NotResumable(
          path: directory.path.string, reason: .changed(["\(one.series.name)/\(diff.lastComponent!.string)"]))
      }
      series.append(ReadSeries(series: one.series, diffs: diffs, refusal: one.refusal))
    }
    return series
  }
}

/// Reads series, and puts what they stand on before them. If one of several cannot be read, it counts as not applying.
/// - Throws: ``IntakeError`` if no series can be read.
func readAll(
  _ sources: [any SeriesSource], jobs: Int, into scratch: FilePath, cage: Cage?
) async throws -> [ReadSeries] {
  // In parallel, because starting git in the sandbox three times per patch is slow.
  let answers = try await sources.concurrentMap(limit: jobs) {
    source -> (series: ReadSeries, refusal: (any Error)?) in
    do {
      let place = scratch.appending("series").appending(source.name)
      return (try await source.read(into: place, cage: cage), nil)
    } catch  where error is IntakeError || error.isExcess {
      return (source.refused("\(error)"), error)
    }
  }
  let series = answers.map(\.series)
  let refusal = answers.lazy.compactMap(\.refusal).first
  if let refusal, series.allSatisfy({ $0.refusal != nil }) { throw refusal }
  return try await ReadSeries.onPrerequisites(series, in: scratch.appending("series"), cage: cage)
}
