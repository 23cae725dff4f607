// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Toolbox

/// Makes patches of edits to the base's sources.
struct SeriesMaker: Sendable {
  /// Only read.
  var tree: FilePath
  var scratch: FilePath
  /// What a series has to keep its hands off.
  var bait: Bait

  /// - Parameter change: from a file's text to its new text; a file that is not there begins as empty.
  /// - Returns: a diff, as git writes it.
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
    // 1 is git's word for a difference.
    let answer = try await Git.tool(
      ["diff", "--no-index", "--binary", "--no-color", "--no-prefix", "--", "a", "b"], in: place
    )
    .run()
    guard answer.status == .exited(1) else { throw FaultError(message: "no diff of \(path) could be made") }
    return answer.output
  }

  /// A diff that adds text to the end of a file.
  func adding(_ text: String, to path: String) async throws -> String {
    try await diff(path) { $0 + text }
  }

  /// A diff that runs a command wherever make reads drivers/dma-buf, and changes something that is compiled.
  func makefile(running command: String) async throws -> String {
    try await adding(
      "\nSTRANGE := $(shell \(command.replacing("$", with: "$$")))\n\(Self.mark)\n", to: "drivers/dma-buf/Makefile")
      + adding(Self.anything, to: "drivers/dma-buf/dma-buf.c")
  }

  /// Writes ``marked`` to the build's log when make has come past the line before. The patch itself does not contain it.
  static let mark = "$(info strange-$(words a b c d e f g)-was-here)"
  static let marked = "strange-7-was-here"

  /// C that is compiled and does nothing.
  static let anything = """

    int patchbench_strange(int value);
    int patchbench_strange(int value)
    {
    \treturn value + 1;
    }

    """

  /// Code that a kernel runs when it starts.
  /// - Parameters:
  ///   - level: `late_initcall`, for one.
  ///   - body: of a function that returns 0 where it returns.
  func initcall(_ level: String, _ includes: [String] = [], before: String = "", _ body: String) async throws -> String
  {
    let lines = includes.map { "#include <linux/\($0).h>\n" }.joined()
    return try await adding(
      "\n\(lines)\(before)\nstatic int __init patchbench_strange(void)\n{\n\(body)\n\treturn 0;\n}\n\(level)(patchbench_strange);\n",
      to: "drivers/dma-buf/dma-buf.c")
  }

  /// Writes a series, a patch a file.
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

/// What nobody but patchbench's user may read or change, laid out where it would be seen.
struct Bait: Sendable {
  /// A directory with files whose content is in no other place.
  var directory: FilePath
  /// Stands in its files.
  let secret = "secret-\(UUID().uuidString)"
  let port: UInt16

  var file: FilePath { directory.appending("secret") }

  func lay() throws {
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    try Data("\(secret)\n".utf8).write(to: URL(filePath: file.string))
  }

  /// What is wrong with it; `nil` if all is as it was laid.
  func damage() -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    if names != ["secret"] { return "files beside it were changed: \(names.sorted().joined(separator: ", "))" }
    let text = try? String(contentsOfFile: file.string, encoding: .utf8)
    return text == "\(secret)\n" ? nil : "a file beside it was changed"
  }

  /// Whether it was carried off into a directory.
  func isFound(in directory: FilePath) async throws -> Bool {
    try await Tool("grep", ["-r", "-q", "-F", "-e", secret, "--", directory.string]).run().status.isSuccess
  }
}

/// Why a fault could not be tried.
public struct FaultError: Error, Sendable, Hashable {
  public var message: String
}
