// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SystemPackage
import Toolbox

extension TrialRunner {
  /// Compiles each patch of a series in its turn, in a tree of its own, unless only the whole is wanted.
  /// - Returns: the failure after the first patch with which the tree does not build.
  func compileEachPatch(
    _ series: PatchSeries, _ diffs: [FilePath], in scratch: FilePath, evidence: FilePath, _ trial: inout Trial
  ) async throws -> BuildFailure? {
    if series.patches.count < 2 { return nil }
    // Another copy of the base would take longer than everything else. A mutant is judged by its tests.
    if rules.eachPatch == .none || rules.isOfMutants || method == .copy {
      trial.eachPatch = false
      return nil
    }
    let begun = ContinuousClock.now
    let place = scratch.appending("each")
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: place)
    events.send(.progress(series: series.name, stage: .build, text: "each patch"))
    let failure = try await tree.compileEachPatch(of: series, diffs: diffs, jobs: resources.jobs) {
      evidence.appending("build-patch-\($0).log").absolute
    }
    trial.eachPatch = true
    trial.seconds.add(.compile, (.now - begun) / .seconds(1))
    return failure
  }
}
