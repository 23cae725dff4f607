// SPDX-License-Identifier: Apache-2.0

public import SystemPackage
public import Toolbox

/// The ids of patches as `git format-patch --base` writes them.
public enum PatchIDs {
  /// A fixed text; the diffs' paths are patchbench's own.
  private static let script = """
    for diff do
      id=$(git patch-id --stable <"$diff" | head -n 1)
      echo "$id"
    done
    """

  /// Returns the id of each diff. What has none is left out.
  /// - Parameters:
  ///   - place: a directory that all diffs are in.
  ///   - cage: the cage in which git reads them; `nil` if that is disabled.
  /// - Throws: ``ToolError`` if git or the shell cannot be run.
  public static func of(_ diffs: [FilePath], in place: FilePath, cage: Cage?) async throws -> [FilePath: String] {
    var cage = cage
    if let limits = cage?.limits { cage?.limits.time = min(limits.time, patience) }
    var found: [FilePath: String] = [:]
    for start in stride(from: 0, to: diffs.count, by: chunk) {
      let part = diffs[start..<min(start + chunk, diffs.count)]
      var shell = Tool("sh", ["-c", script, "sh"] + part.map(\.string), in: place)
      shell.environment = Git.tool([], in: place).environment
      let answer = try await answer(of: cage?.wrap(shell, in: place, writable: false) ?? shell)
      let lines = answer.split(separator: "\n", omittingEmptySubsequences: false)
      for (diff, line) in zip(part, lines) {
        if let id = line.split(separator: " ").first { found[diff] = String(id) }
      }
    }
    return found
  }

  /// Series are tried without what cannot be found in time.
  private static func answer(of tool: Tool) async throws -> String {
    do { return try await tool.run().output } catch ToolError.exceeded { return "" }
  }

  private static let chunk = 200
  private static let patience = Duration.seconds(60)
}
