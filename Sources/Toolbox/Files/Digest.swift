// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// SHA-256 by coreutils' `sha256sum`, as 64 hexadecimal digits.
public enum Digest {
  /// Returns the digest of several fields in order. Each is preceded by its length, so that no two lists share a
  /// digest.
  public static func of(_ fields: [String]) async throws(ToolError) -> String {
    var bytes: [UInt8] = []
    for field in fields { bytes += Array("\(field.utf8.count):".utf8) + Array(field.utf8) }
    return try await of(bytes: bytes)
  }

  /// Returns the digest of some bytes.
  public static func of(bytes: [UInt8]) async throws(ToolError) -> String {
    String(try await Tool("sha256sum", []).output(input: bytes).prefix(64))
  }

  /// Returns the digest of a file's contents.
  public static func of(file: FilePath) async throws(ToolError) -> String {
    // `--` and an absolute path: a name can be neither taken for an option nor escaped in the output.
    let answer = try await Tool("sha256sum", ["--", file.string]).output()
    return String(answer.drop { $0 == "\\" }.prefix(64))
  }
}
