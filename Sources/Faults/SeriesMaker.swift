// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// Makes patches from edits to the base's sources.
struct SeriesMaker: Sendable {
  /// The base's tree. It is only read.
  var tree: FilePath
  var scratch: FilePath
  /// The files that a series must not touch.
  var bait: Bait

  /// Returns a diff of one file, in git's format.
  /// - Parameter change: maps the file's text to its new text. A missing file counts as empty.
  func diff(_ path: String, _ change: (String) -> String) async throws -> String {
    let place = scratch.appending("diff-\(UUID().uuidString)")
    let manager = FileManager.default
    defer { try? manager.removeItem(atPath: place.string) }
    let old = try? String(contentsOfFile: tree.pushing(FilePath(path)).string, encoding: .utf8)
    for (side, text) in [("a", old), ("b", change(old ?? ""))] {
      let file = place.appending(side).pushing(FilePath(path))
      try manager.createDirectory(atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
      if let text { try Data(text.utf8).write(to: URL(filePath: file.string)) }
    }
    // git exits with 1 if there is a difference.
    let answer = try await Git.tool(
      ["diff", "--no-index", "--binary", "--no-color", "--no-prefix", "--", "a", "b"], in: place
    )
    .run()
    guard answer.status == .exited(1) else { throw FaultError(message: "git made no diff of \(path)") }
    return answer.output
  }

  /// Returns a diff that appends text to a file.
  func adding(_ text: String, to path: String) async throws -> String {
    try await diff(path) { $0 + text }
  }

  /// Returns a diff that runs a command whenever make reads drivers/dma-buf, and that also changes compiled code.
  func makefile(running command: String) async throws -> String {
    try await adding(
      "\nSTRANGE := $(shell \(command.replacing("$", with: "$$")))\n\(Self.mark)\n", to: "drivers/dma-buf/Makefile")
      + adding(Self.anything, to: "drivers/dma-buf/dma-buf.c")
  }

  /// Makes make write ``marked`` to the build log after it has read the previous line. The patch itself does not
  /// contain that text.
  static let mark = "$(info strange-$(words a b c d e f g)-was-here)"
  static let marked = "strange-7-was-here"

  /// C code that compiles and does nothing.
  static let anything = """

    int patchbench_strange(int value);
    int patchbench_strange(int value)
    {
    \treturn value + 1;
    }

    """

  /// Returns a diff with code that the kernel runs at boot.
  /// - Parameters:
  ///   - level: for example `late_initcall`.
  ///   - body: the body of a function; a `return 0;` follows it.
  func initcall(_ level: String, _ includes: [String] = [], before: String = "", _ body: String) async throws -> String
  {
    let lines = includes.map { "#include <linux/\($0).h>\n" }.joined()
    return try await adding(
      "\n\(lines)\(before)\nstatic int __init patchbench_strange(void)\n{\n\(body)\n\treturn 0;\n}\n\(level)(patchbench_strange);\n",
      to: "drivers/dma-buf/dma-buf.c")
  }

  /// Writes a series, one file per patch.
  func write(_ name: String, _ patches: [String]) throws -> FilePath {
    let directory = scratch.appending("series").appending(name)
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    for (index, patch) in patches.enumerated() {
      let file = directory.appending("\(String("000\(index + 1)".suffix(4)))-strange.patch")
      try Data(patch.utf8).write(to: URL(filePath: file.string))
    }
    return directory
  }
}

/// Files that only patchbench's user may read or change, in a place where damage to them is noticed.
struct Bait: Sendable {
  /// A directory with a file whose content occurs nowhere else.
  var directory: FilePath
  /// The content of its file.
  let secret = "secret-\(UUID().uuidString)"
  let port: UInt16

  var file: FilePath { directory.appending("secret") }

  func lay() throws {
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    try Data("\(secret)\n".utf8).write(to: URL(filePath: file.string))
  }

  /// Returns what is wrong with the bait; `nil` if it is unchanged.
  func damage() -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    if names != ["secret"] { return "files outside the run were changed: \(names.sorted().joined(separator: ", "))" }
    let text = try? String(contentsOfFile: file.string, encoding: .utf8)
    return text == "\(secret)\n" ? nil : "a file outside the run was changed"
  }

  /// Whether its content was copied into a directory.
  func isFound(in directory: FilePath) async throws -> Bool {
    try await Tool("grep", ["-r", "-q", "-F", "-e", secret, "--", directory.string]).run().status.isSuccess
  }
}

/// A fault could not be tried.
public struct FaultError: Error, Sendable, Hashable {
  public var message: String
}
