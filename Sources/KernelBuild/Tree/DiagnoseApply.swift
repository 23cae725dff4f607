// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelCode
import KernelText
public import SystemPackage
public import Toolbox

/// For one tool. Real patches take a fraction of a second; for one that is made to be slow, all of this would take many
/// times what applying it took.
private let patience = Duration.seconds(10)
/// In bytes; longer files and diffs are not searched for the place of a hunk.
private let longestText: Int64 = 4 << 20

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
    found.baseCommit = Self.baseCommit(of: series, diffs)
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
    if try await takes(["--reverse"], diff, time: patience) {
      found.isContained = true
    } else if let strip = try await firstThatTakes([0, 2, 3], { ["-p\($0)"] }, diff) {
      found.strip = strip
    } else {
      found.mismatch = mismatch(failure, diff)
      if let lines = try await firstThatTakes([2, 1], { ["-C\($0)"] }, diff) {
        found.takers.append("git apply -C\(lines)")
      } else if try await takes(["--ignore-whitespace"], diff, time: patience) {
        found.takers.append("git apply --ignore-whitespace")
      }
      if let (kernel, merges) = try await threeWay(diff, others) {
        found.madeFrom = kernel
        if merges { found.takers.append("git apply --3way") }
      }
      if let fuzz = try await fuzz(diff, time: patience) {
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
      let outcome = try await ApplyOutcome(of: cage?.patient(patience).wrap(apply, in: place, reading: [diff]) ?? apply)
      guard case .result(let answer) = outcome, answer.status.isSuccess else { return (other.name, false) }
      for path in paths {
        guard let own = file(path), UntrustedTree(place).isFile(path) else { return (other.name, false) }
        let sides = [own, other.tree.pushing(FilePath(path)), place.pushing(FilePath(path))]
        let merge = Git.tool(["merge-file", "-p", "--quiet"] + sides.map(\.string), in: place)
        let merged = try await ApplyOutcome(of: cage?.patient(patience).wrap(merge, in: place, reading: sides) ?? merge)
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
    for number in numbers where try await takes(options(number), diff, time: patience) { return number }
    return nil
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

  /// The trailer is in the cover letter, or in the first patch.
  private static func baseCommit(of series: PatchSeries, _ diffs: [FilePath]) -> String? {
    if let cover = series.cover, let commit = GitApply.baseCommit(in: cover.body.utf8) { return commit }
    for diff in diffs {
      if let text = regularContents(diff, most: longestText), let commit = GitApply.baseCommit(in: text) {
        return commit
      }
    }
    return nil
  }
}

/// A kernel whose source is unpacked in the cache, as the tree of a built base.
public struct UnpackedKernel: Sendable {
  public var name: String
  var tree: FilePath
  /// Prevents its removal while it is in use.
  private var lock: FileLock

  /// Finds the kernels that are defined in a directory and are unpacked, the newest first.
  /// - Parameter base: left out, because it is already known whether the series applies to it.
  public static func all(
    definedIn directory: FilePath, cache: Cache, besides base: BaseBuild? = nil
  ) -> [UnpackedKernel] {
    let kernels = KernelDefinition.names(in: directory).filter { name in
      // A link is another name of a kernel that is listed as well.
      (try? FileManager.default.destinationOfSymbolicLink(atPath: directory.appending(name).string)) == nil
    }
    let places = (try? FileManager.default.contentsOfDirectory(atPath: cache.bases.string)) ?? []
    let own = base?.tree.removingLastComponent().lastComponent?.string ?? ""
    var found: [UnpackedKernel] = []
    for name in kernels.sorted(by: { $0.compare($1, options: .numeric) == .orderedDescending })
    where !isPlace(own, of: name) {
      for place in places.sorted() where isPlace(place, of: name) {
        let home = cache.bases.appending(place)
        guard FileManager.default.fileExists(atPath: home.appending("built").string),
          let lock = try? FileLock.attempt(FilePath(home.string + ".lock"), .shared)
        else { continue }
        found.append(UnpackedKernel(name: name, tree: home.appending("tree"), lock: lock))
        break
      }
    }
    return found
  }

  /// Whether a directory of the cache is a base of a kernel: `linux-6.1-kasan-0123456789ab`. The kernel's name and the
  /// profile's may have hyphens, so `linux-6.1` is not taken for a base of `linux`.
  private static func isPlace(_ place: String, of name: String) -> Bool {
    guard place.hasPrefix(name + "-"), !place.hasSuffix(".lock") else { return false }
    let rest = place.dropFirst(name.count + 1)
    return rest.first?.isNumber == false
  }

  /// Whether a series applies here, completely.
  func takes(_ diffs: [FilePath], cage: Cage?) async throws -> Bool {
    guard let text = Self.whole(diffs) else { return false }
    return try await check([], text, cage).status.isSuccess
  }

  /// Returns why a series does not apply here.
  /// - Returns: `nil` if it applies, completely.
  public func refusal(of diffs: [FilePath], cage: Cage?) async throws -> ApplyRefusal? {
    guard let text = Self.whole(diffs) else { return .other }
    do {
      let answer = try await check([], text, cage)
      if answer.status.isSuccess { return nil }
      if try await check(["--reverse"], text, cage).status.isSuccess { return .contained }
      return GitApply.refusal(in: answer.errors.utf8, patch: text).map { GitApply.kind(of: $0.message) } ?? .other
    } catch is TooSlow { return .slow }
  }

  /// Returns all patches as one, because later patches may need what the earlier ones do.
  private static func whole(_ diffs: [FilePath]) -> [UInt8]? {
    var text: [UInt8] = []
    for diff in diffs {
      guard let part = regularContents(diff) else { return nil }
      text += part + [0x0a]
    }
    return text
  }

  private func check(_ options: [String], _ text: [UInt8], _ cage: Cage?) async throws -> ToolResult {
    let git = Git.tool(["apply", "--check"] + options + ["--whitespace=nowarn", "-"], in: tree)
    let tool = cage?.patient(patience).wrap(git, in: tree, writable: false) ?? git
    guard case .result(let answer) = try await ApplyOutcome(of: tool, input: text) else { throw TooSlow() }
    return answer
  }

  /// Whether it has these versions of files.
  /// - Parameter blobs: by path, the abbreviated id.
  func has(_ blobs: [String: String], cage: Cage?) async throws -> Bool {
    let paths = blobs.keys.sorted()
    guard paths.allSatisfy({ UntrustedTree(tree).isFile($0) }) else { return false }
    let git = Git.tool(["hash-object", "--no-filters", "--"] + paths, in: tree)
    let outcome = try await ApplyOutcome(of: cage?.wrap(git, in: tree, writable: false) ?? git)
    guard case .result(let answer) = outcome, answer.status.isSuccess else { return false }
    let ids = answer.output.split(separator: "\n")
    return ids.count == paths.count && zip(paths, ids).allSatisfy { $1.hasPrefix(blobs[$0]!) }
  }
}

extension UntrustedTree {
  fileprivate func isFile(_ path: String) -> Bool {
    if case .file = kind(of: FilePath(path)) { true } else { false }
  }
}

extension Cage {
  /// Returns the cage with a shorter time limit.
  fileprivate func patient(_ time: Duration) -> Cage {
    var other = self
    other.limits.time = min(time, limits.time)
    return other
  }
}
