// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
package import SystemPackage
package import Toolbox

/// All that differs between two commits of a repository, as a series of one patch. Nothing of it is read as a mail, so
/// every byte stays as it is in git.
package struct RevisionSeries: SeriesSource {
  package var name: String
  private let repository: GitRepository
  private let base: String
  private let commit: String
  private let subject: String

  /// - Parameters:
  ///   - name: usable as a file name.
  ///   - base: the object name of the commit that the series is applied to.
  ///   - commit: the object name of the commit that it leads to.
  ///   - subject: of the one patch.
  package init(_ name: String, in repository: GitRepository, from base: String, to commit: String, subject: String) {
    self.name = name
    self.repository = repository
    self.base = base
    self.commit = commit
    self.subject = subject
  }

  package var path: FilePath { repository.path }
  package var firstFile: String { "\(name).diff" }

  /// - Throws: ``IntakeError`` if the two do not differ, or if a path leaves the tree; ``ToolError`` if git fails.
  package func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries {
    let place = store.absolute
    try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
    let ends = [base, commit]
    let names = try await repository.git(
      ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-relative"] + ends, in: place, cage
    ).output()
    let paths = names.split(separator: "\0").map(String.init)
    if paths.isEmpty { throw IntakeError.empty("\(repository.path):\(base.prefix(12))..\(commit.prefix(12))") }
    for path in paths where DiffPaths.leavesTree(path) { throw IntakeError.leavesTree(file: firstFile, path: path) }
    let diff = place.appending(ReadSeries.diffName(1))
    // The repository's configuration and attributes must not change the diff, and must not run anything.
    let options = [
      "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative",
      "--src-prefix=a/", "--dst-prefix=b/", "-U3", "--ignore-submodules=none", "--output=\(diff)",
    ]
    _ = try await repository.git(["diff-tree", "-p"] + options + ends, in: place, cage).output()
    let patch = Patch(subject: subject, author: "", file: firstFile, paths: paths)
    return ReadSeries(series: PatchSeries(name: name, patches: [patch], path: path.string), diffs: [diff])
  }
}
