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
  /// rejects. The tree then has the patches before it.
  /// - Parameter diffs: one per patch, absolute paths.
  /// - Returns: `nil` if all applied.
  public func apply(_ series: PatchSeries, diffs: [FilePath]) async throws -> ApplyFailure? {
    for (patch, diff) in zip(series.patches, diffs) {
      let answer: ToolResult
      switch try await gitApply(["--verbose"], diff) {
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
      if case .result(let dry) = try await gitApply(["--check"], diff), dry.status.isSuccess {
        if answer.errors.contains("No space left on device") { throw StageError.noSpace(.apply) }
        throw StageError.fault(
          .apply, "git could not write to the build tree: \(answer.errors.suffix(300))",
          advice: "check whether the cache belongs to another user or is read-only")
      }
      let text = FileManager.default.contents(atPath: diff.string) ?? Data()
      let output = (answer.errors + answer.output).utf8
      var failure = GitApply.failure(in: output, patch: text, of: patch)
      let warnings = GitApply.warnings(in: output)
      if !warnings.isEmpty {
        failure.diagnosis = ApplyDiagnosis()
        failure.diagnosis?.warnings = warnings
      }
      return failure
    }
    return nil
  }

  /// Whether git would apply a diff to the tree with these options. Nothing is written.
  /// - Throws: ``TooSlow`` if it takes longer than `time`.
  func takes(_ options: [String], _ diff: FilePath, time: Duration) async throws -> Bool {
    switch try await gitApply(["--check"] + options, diff, time: time) {
    case .result(let answer): return answer.status.isSuccess
    case .ended: throw TooSlow()
    }
  }

  private func gitApply(
    _ options: [String], _ diff: FilePath, time: Duration = applyTime
  ) async throws -> ApplyOutcome {
    var git = Git.tool(["apply"] + options + ["--whitespace=nowarn", "--", diff.string])
    git.environment["GIT_CEILING_DIRECTORIES"] = base.tree.removingLastComponent().string
    return try await ApplyOutcome(of: wrap(git, reading: [diff], time: time))
  }

  /// Returns the fuzz with which patch(1) would apply a diff to the tree; 0 if it needs none. Nothing is written.
  /// - Returns: `nil` if it would not apply it.
  /// - Throws: ``TooSlow`` if it takes longer than `time`.
  func fuzz(_ diff: FilePath, time: Duration) async throws -> Int? {
    // -u: patch would otherwise also take scripts for ed(1), and run them.
    let tool = Tool(
      "patch", ["-p1", "--dry-run", "-u", "--force", "--fuzz=3", "--reject-file=-", "--input", diff.string])
    switch try await ApplyOutcome(of: wrap(tool, reading: [diff], time: time)) {
    case .result(let answer): return answer.status.isSuccess ? GitApply.fuzz(in: answer.output) : nil
    case .ended: throw TooSlow()
    }
  }
}

/// A tool that only looks into a patch took too long.
struct TooSlow: Error {}

/// How a tool that applies a patch ended.
enum ApplyOutcome {
  case result(ToolResult)
  /// It exceeded a limit.
  case ended(String)

  init(of tool: Tool, input: [UInt8] = []) async throws {
    do {
      self = .result(try await tool.run(input: input, deadline: applyTime * 2))
    } catch ToolError.exceeded(_, let excess) {
      self = .ended(excess.words)
    }
  }
}
