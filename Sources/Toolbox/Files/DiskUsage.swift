// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// The disk space used by files, as counted by du(1): in blocks, and each file once however many names it has.
public enum DiskUsage {
  /// - Returns: bytes, for all paths together. Missing files and those that disappear meanwhile count as nothing.
  /// - Throws: ``ToolError`` if du is missing.
  public static func bytes(of paths: [FilePath]) async throws(ToolError) -> Int64 {
    let answer = try await Tool("du", ["-c", "-s", "--block-size=1", "--"] + paths.map(\.string)).run()
    // du exits with 1 if a file disappeared while it ran, but its sum is still right.
    return answer.output.split(separator: "\n").last.flatMap { Int64($0.prefix { $0.isNumber }) } ?? 0
  }
}
