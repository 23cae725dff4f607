// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// A tree with the leading patches that several series share, built up to the archives. The series are built on top of
/// it. It has its own directory, which is removed after the last of these series has been built.
final class SharedPatchTree: Sendable {
  let tree: SeriesTree
  /// How many patches are applied in it.
  let patches: Int
  /// The output of its build.
  var log: FilePath { scratch.appending("build.log") }
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
  ///   - scratch: its own directory. What is left there on cancellation is removed with the run's scratch directory.
  ///   - users: how many series use it.
  /// - Returns: `nil` if it cannot be made. Each series is then built in full, and reports its own failure.
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

  /// Drops one user, and removes the tree after the last one.
  func release() async {
    let left = users.withLock { users in
      users -= 1
      return users
    }
    if left == 0 { await Cache.remove(scratch) }
  }
}
