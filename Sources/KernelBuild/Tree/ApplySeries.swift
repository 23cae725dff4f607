// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

/// Real series apply in well under a second; git's time grows quadratically with the number of hunks.
private let applyTime = Duration.seconds(120)

extension SeriesTree {
  /// Applies the diffs in order with `git apply`, each completely or not at all. It stops at the first one that git
  /// rejects; the tree must not be used after that.
  /// - Parameter diffs: one per patch, absolute paths.
  /// - Returns: `nil` if all applied.
  public func apply(_ series: PatchSeries, diffs: [FilePath]) async throws -> ApplyFailure? {
    for (patch, diff) in zip(series.patches, diffs) {
      var git = Git.tool(["apply", "--verbose", "--whitespace=nowarn", "--", diff.string])
      git.environment["GIT_CEILING_DIRECTORIES"] = base.tree.removingLastComponent().string
      let answer: ToolResult
      switch try await run(wrap(git, reading: [diff], time: applyTime)) {
      case .result(let result): answer = result
      case .ended(let words):
        return ApplyFailure(patch: patch, file: nil, hunk: nil, message: "git was ended: \(words)")
      }
      if answer.status.isSuccess { continue }
      guard case .exited = answer.status else {
        throw StageError.fault(.apply, "git apply \(answer.status.words)")
      }
      // If git accepts the patch but could not write it, the tree is at fault, not the patch. Check this before reading
      // git's message, because that quotes the patch.
      var check = git
      check.arguments.insert("--check", at: check.arguments.firstIndex(of: "apply")! + 1)
      if case .result(let dry) = try await run(wrap(check, reading: [diff], time: applyTime)), dry.status.isSuccess {
        if answer.errors.contains("No space left on device") { throw StageError.noSpace(.apply) }
        throw StageError.fault(
          .apply, "git could not write to the build tree: \(answer.errors.suffix(300))",
          advice: "check whether the cache belongs to another user or is read-only")
      }
      let text = FileManager.default.contents(atPath: diff.string) ?? Data()
      return GitApply.failure(in: (answer.errors + answer.output).utf8, patch: text, of: patch)
    }
    return nil
  }
}

private enum Outcome {
  case result(ToolResult)
  /// It exceeded a limit.
  case ended(String)
}

private func run(_ git: Tool) async throws -> Outcome {
  do {
    return .result(try await git.run(deadline: applyTime * 2))
  } catch ToolError.exceeded(_, let excess) {
    return .ended(excess.words)
  }
}
