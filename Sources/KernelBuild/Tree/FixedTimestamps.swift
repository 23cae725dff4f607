// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// The timestamp of every file that is built and will be built upon.
///
/// make relies on timestamps alone. A source that a series touches counts as changed only if it is newer than the
/// base's object. It is not, if the clock was set back, or was wrong when the base was built. Then make would find
/// nothing to do, and the base's image would be judged in place of the series'. So everything built gets one timestamp
/// that is older than any real clock's. Files with equal timestamps are up to date.
///
/// Files outside the tree keep their timestamps, and are newer. In the kernel's own build only objtool depends on
/// such files: tools/build compiles with `-MD`, kbuild with `-MMD`. make would rebuild objtool, and then every object
/// that objtool processes. So the host's headers are removed from objtool's dependencies, and the base's objtool is
/// used as it is.
enum FixedTimestamps {
  /// The first second of 2000, in Unix time.
  static let time = 946_684_800

  /// Gives all files of a tree that make will use that timestamp, and removes the host's headers from the dependencies.
  /// - Parameters:
  ///   - directory: the tree, or what was written on top of one.
  ///   - tree: the path at which it was built.
  /// - Throws: ``ToolError``, and what writing a file throws.
  static func settle(_ directory: FilePath, builtAt tree: FilePath) async throws {
    let tools = directory.appending("tools")
    if FileManager.default.fileExists(atPath: tools.string) {
      let found = try await Tool("find", [tools.string, "-type", "f", "-name", ".*.cmd", "-print0"]).output()
      for path in found.split(separator: "\0").map({ FilePath(String($0)) }) {
        guard let bytes = regularContents(path, most: 1 << 20) else { continue }
        let text = String(decoding: bytes, as: UTF8.self)
        let kept = withoutMachine(text, tree: tree.string)
        if kept != text { try Data(kept.utf8).write(to: URL(filePath: path.string)) }
      }
    }
    try await settle(directory)
  }

  /// A `.cmd` file of tools/build without the dependencies outside the tree.
  static func withoutMachine(_ text: String, tree: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      !line.hasPrefix("  /") || !line.hasSuffix(" \\") || line.hasPrefix("  \(tree)/")
    }.joined(separator: "\n")
  }

  /// Gives all regular files and symlinks below a directory that timestamp.
  /// - Throws: ``ToolError``
  static func settle(_ directory: FilePath) async throws(ToolError) {
    // Symlinks themselves, not their targets, which may be anything once a series' own commands have run.
    _ = try await Tool(
      "find",
      [
        directory.string, "(", "-type", "f", "-o", "-type", "l", ")", "-exec", "touch", "--no-dereference",
        "--date=@\(time)", "--", "{}", "+",
      ]
    ).output()
  }
}
