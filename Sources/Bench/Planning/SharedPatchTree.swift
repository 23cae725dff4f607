// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// A tree with the leading patches of several series, built up to the archives, on which theirs are built. It lies in a
/// directory of its own that is removed when the last of them has been built.
final class SharedPatchTree: Sendable {
  let tree: SeriesTree
  /// How many patches it has.
  let patches: Int
  private let scratch: FilePath
  private let users: Locked<Int>

  private init(_ tree: SeriesTree, patches: Int, scratch: FilePath, users: Int) {
    self.tree = tree
    self.patches = patches
    self.scratch = scratch
    self.users = Locked(users)
  }

  /// Applies and builds the first patches of a series.
  /// - Parameters:
  ///   - scratch: a directory of its own; what it leaves there when it is cancelled goes with the run's.
  ///   - users: how many series it is for.
  /// - Returns: `nil` if it cannot be made. Each series is then built whole, and says itself what is wrong.
  static func make(
    _ one: ReadSeries, patches: Int, for users: Int, on prepared: PreparedRun, jobs: Int, scratch: FilePath,
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> SharedPatchTree? {
    var series = one.series
    series.patches = Array(series.patches.prefix(patches))
    try FileManager.default.createDirectory(atPath: scratch.string, withIntermediateDirectories: true)
    let tree = try await SeriesTree.make(
      prepared.base, method: prepared.method, cage: prepared.cage, scratch: scratch)
    let refused = try await tree.apply(series, diffs: Array(one.diffs.prefix(patches)))
    if refused == nil,
      try await tree.buildLayer(series, jobs: jobs, log: scratch.appending("build.log"), progress: progress)
    {
      return SharedPatchTree(tree, patches: patches, scratch: scratch, users: users)
    }
    await Cache.remove(scratch)
    return nil
  }

  /// One series less needs it.
  func release() async {
    let left = users.withLock { users in
      users -= 1
      return users
    }
    if left == 0 { await Cache.remove(scratch) }
  }
}
