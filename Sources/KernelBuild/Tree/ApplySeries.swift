// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

/// Real series apply in well under a second; git's time grows with the square of the hunks.
private let applyTime = Duration.seconds(120)

extension SeriesTree {
  /// Applies the diffs in order with `git apply`, each whole or not at all; the first that is refused ends it, and
  /// with it the use of this tree.
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
      // A patch that git would apply and could not write is no patch that does not apply: the tree is at fault. What git
      // says is not asked before that: it quotes the patch.
      var check = git
      check.arguments.insert("--check", at: check.arguments.firstIndex(of: "apply")! + 1)
      if case .result(let dry) = try await run(wrap(check, reading: [diff], time: applyTime)), dry.status.isSuccess {
        if answer.errors.contains("No space left on device") { throw StageError.noSpace(.apply) }
        throw StageError.fault(
          .apply, "git could not write to the build tree: \(answer.errors.suffix(300))",
          advice: "look whether the cache belongs to another user or is read-only")
      }
      let text = FileManager.default.contents(atPath: diff.string) ?? Data()
      return GitApply.failure(in: (answer.errors + answer.output).utf8, patch: text, of: patch)
    }
    return nil
  }
}

private enum Outcome {
  case result(ToolResult)
  /// It took more than it may.
  case ended(String)
}

private func run(_ git: Tool) async throws -> Outcome {
  do {
    return .result(try await git.run(deadline: applyTime * 2))
  } catch ToolError.exceeded(_, let excess) {
    return .ended(excess.words)
  }
}
