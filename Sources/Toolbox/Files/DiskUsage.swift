// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What files take on the disk, as du(1) counts it: blocks, and each file once however many names it has.
public enum DiskUsage {
  /// - Returns: bytes, of all paths together. What goes away meanwhile, or is not there, counts as nothing.
  /// - Throws: ``ToolError`` if there is no du.
  public static func bytes(of paths: [FilePath]) async throws(ToolError) -> Int64 {
    let answer = try await Tool("du", ["-c", "-s", "--block-size=1", "--"] + paths.map(\.string)).run()
    // du says 1 where a file went away under its hands, and its sum is right all the same.
    return answer.output.split(separator: "\n").last.flatMap { Int64($0.prefix { $0.isNumber }) } ?? 0
  }
}
