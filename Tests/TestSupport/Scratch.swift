// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SystemPackage

/// A temporary directory for one test. It is removed on deinit.
public final class Scratch: Sendable {
  public let path: FilePath

  public init() throws {
    path = FilePath(NSTemporaryDirectory()).appending("patchbench-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// Writes a file, and creates the directories above it.
  @discardableResult public func write(_ relative: String, _ text: String) throws -> FilePath {
    let file = path.pushing(FilePath(relative))
    try FileManager.default.createDirectory(
      atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: file.string))
    return file
  }
}
