// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelCode
import KernelText
public import SystemPackage
import Toolbox

/// In bytes; longer files and diffs are not searched for the place of a hunk.
let longestText: Int64 = 4 << 20

extension SeriesTree {
  /// Finds out why git rejected a patch, and what would take it. Only git's strict answer counts for the verdict.
  /// - Parameters:
  ///   - failure: from ``apply(_:diffs:)``; the tree has not changed since.
  ///   - series: the whole series, with patches that an underlying tree has.
  ///   - diffs: one per patch, absolute paths.
  ///   - others: further kernels to try the whole series on.
  /// - Returns: the failure with its diagnosis.
  public func diagnosed(
    _ failure: ApplyFailure, of series: PatchSeries, diffs: [FilePath], others: [UnpackedKernel]
  ) async throws -> ApplyFailure {
    guard let index = series.patches.firstIndex(of: failure.patch), index < diffs.count else { return failure }
    var found = failure.diagnosis ?? ApplyDiagnosis()
    found.baseCommit = series.origin?.baseCommit
    // The refusal stands without a diagnosis: also if a tool is missing, or ends otherwise than it should.
    do { try await examine(failure, diffs, index, others, &found) } catch
      where error is TooSlow || Self.isOfTool(error)
    {}
    var failure = failure
    failure.diagnosis = found
    return failure
  }

  private static func isOfTool(_ error: any Error) -> Bool {
    switch error as? ToolError {
    case nil, .cancelled?: false
    default: true
    }
  }

  private func examine(
    _ failure: ApplyFailure, _ diffs: [FilePath], _ index: Int, _ others: [UnpackedKernel],
    _ found: inout ApplyDiagnosis
  ) async throws {
    let diff = diffs[index]
    if try await takes(["--reverse"], diff, time: Cage.patience) {
      found.isContained = true
    } else if !createsOnly(diff), let strip = try await firstThatTakes([0, 2, 3], { ["-p\($0)"] }, diff) {
      found.strip = strip
    } else {
      found.mismatch = mismatch(failure, diff)
      if let lines = try await firstThatTakes([2, 1], { ["-C\($0)"] }, diff) {
        found.takers.append("git apply -C\(lines)")
      } else if try await takes(["--ignore-whitespace"], diff, time: Cage.patience) {
        found.takers.append("git apply --ignore-whitespace")
      }
      if let (kernel, merges) = try await threeWay(diff, others) {
        found.madeFrom = kernel
        if merges { found.takers.append("git apply --3way") }
      }
      if let fuzz = try await fuzz(diff, time: Cage.patience) {
        found.takers.append(fuzz == 0 ? "patch" : "patch with fuzz \(fuzz)")
      }
    }
    for other in others {
      let applies = try await other.takes(diffs, cage: cage)
      found.triedKernels.append(other.name)
      if applies { found.kernels.append(other.name) }
    }
  }

  /// Merges a patch with the files that it was made from, if another kernel has them.
  /// - Returns: that kernel, and whether there is no conflict; `nil` if none has all of the files.
  private func threeWay(_ diff: FilePath, _ others: [UnpackedKernel]) async throws -> (String, Bool)? {
    guard let text = regularContents(diff, most: longestText), let blobs = IndexLines.blobs(in: text) else {
      return nil
    }
    let paths = blobs.keys.sorted()
    for other in others where try await other.has(blobs, cage: cage) {
      let place = scratch.appending("three-way-\(other.name)")
      let manager = FileManager.default
      // git makes the new version of a copy; nothing else is in that directory, so no name can lead out of it.
      for path in paths {
        let file = place.pushing(FilePath(path))
        guard let old = regularContents(other.tree.pushing(FilePath(path)), most: longestText) else { return nil }
        try manager.createDirectory(
          atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
        try Data(old).write(to: URL(filePath: file.string))
      }
      let apply = Git.tool(["apply", "--whitespace=nowarn", "--", diff.string], in: place)
      let outcome = try await ApplyOutcome(of: cage?.patient().wrap(apply, in: place, reading: [diff]) ?? apply)
      guard case .result(let answer) = outcome, answer.status.isSuccess else { return (other.name, false) }
      for path in paths {
        guard let own = file(path), UntrustedTree(place).isFile(path) else { return (other.name, false) }
        let sides = [own, other.tree.pushing(FilePath(path)), place.pushing(FilePath(path))]
        let merge = Git.tool(["merge-file", "-p", "--quiet"] + sides.map(\.string), in: place)
        let merged = try await ApplyOutcome(of: cage?.patient().wrap(merge, in: place, reading: sides) ?? merge)
        // The status is the number of conflicts.
        guard case .result(let result) = merged, result.status.isSuccess else { return (other.name, false) }
      }
      return (other.name, true)
    }
    return nil
  }

  private func firstThatTakes(
    _ numbers: [Int], _ options: (Int) -> [String], _ diff: FilePath
  ) async throws -> Int? {
    for number in numbers where try await takes(options(number), diff, time: Cage.patience) { return number }
    return nil
  }

  /// Whether a patch changes no file that is there already. Any directory would do for new ones.
  private func createsOnly(_ diff: FilePath) -> Bool {
    guard let text = regularContents(diff, most: longestText) else { return false }
    let lines = text.split(separator: 0x0a)
    func count(_ head: String) -> Int { lines.count { $0.starts(with: head.utf8) } }
    return count("diff --git ") > 0 && count("diff --git ") == count("new file mode ")
  }

  private func mismatch(_ failure: ApplyFailure, _ diff: FilePath) -> HunkMismatch? {
    guard let path = failure.file, let number = failure.hunk, let source = contents(path),
      source.count <= longestText, let text = regularContents(diff, most: longestText)
    else { return nil }
    let files = UnifiedDiff.parse(String(decoding: text, as: UTF8.self)).filter { $0.path == path }
    let hunks = files.flatMap(\.hunks)
    guard hunks.indices.contains(number - 1), let start = hunks[number - 1].oldStart else { return nil }
    return HunkPlace.mismatch(hunks[number - 1], at: start, of: path, in: source)
  }
}
