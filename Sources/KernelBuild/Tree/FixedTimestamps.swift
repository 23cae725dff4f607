// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// The time of every file that is built and will be built upon.
///
/// make goes by times alone. A source that a series has touched counts as changed only where it is newer than the object
/// that the base has of it, which it is not once the clock has been set back, or was wrong when the base was built: make
/// would then find nothing to do, and the base's image would be judged in the series' place. So what is built gets one
/// time that is older than any that a clock will tell. Equal times are up to date.
///
/// What is not in the tree keeps its time, and is newer. Of the kernel's own build only objtool names such files: tools/build
/// compiles with `-MD`, kbuild with `-MMD`. make would compile objtool anew, and then every object that objtool has to
/// look through. So the machine's headers are taken from what it goes by: the base's objtool is what there is.
enum FixedTimestamps {
  /// The first second of 2000, in Unix time.
  static let time = 946_684_800

  /// Gives all files of a tree that make will go on with that time, and takes the machine's headers from what it goes by.
  /// - Parameters:
  ///   - directory: the tree, or what was written on top of one.
  ///   - tree: the path at which it was built.
  /// - Throws: ``ToolError``; what writing a file throws.
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

  /// A `.cmd` file of tools/build without the dependencies that lie outside of the tree.
  static func withoutMachine(_ text: String, tree: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
      !line.hasPrefix("  /") || !line.hasSuffix(" \\") || line.hasPrefix("  \(tree)/")
    }.joined(separator: "\n")
  }

  /// Gives all plain files and links below a directory that time.
  /// - Throws: ``ToolError``
  static func settle(_ directory: FilePath) async throws(ToolError) {
    // Links themselves, not what they lead to: that may be anything where a series' own commands have run.
    _ = try await Tool(
      "find",
      [
        directory.string, "(", "-type", "f", "-o", "-type", "l", ")", "-exec", "touch", "--no-dereference",
        "--date=@\(time)", "--", "{}", "+",
      ]
    ).output()
  }
}
