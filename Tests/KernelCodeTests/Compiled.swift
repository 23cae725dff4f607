// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import KernelCode

/// The output of gcc, objdump and the preprocessor for a source that stands in for a changed file.
struct Compiled {
  let source: String
  let object: LinePlan.Object

  /// Whether gcc and binutils for arm64 are installed.
  static let hasArm64 = ["gcc", "objdump"].allSatisfy {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/aarch64-linux-gnu-\($0)")
  }

  /// Returns the source of a function that does something rare if a function without parameters says so.
  static func asking(_ question: String) -> String {
    """

    void rare(int); void call(int);
    int f(int *p, int x)
    {
    	p[0] = x;
    	if (\(question)()) {
    		p[1] = 5;
    		rare(x);
    	}
    	p[2] = x + 1;
    	call(x);
    	return 0;
    }
    """
  }

  /// - Parameter set: x86-64's or arm64's.
  init(_ source: String, flags: [String] = [], for set: InstructionSet = .x86) throws {
    let tools = set == .arm64 ? "/usr/bin/aarch64-linux-gnu-" : "/usr/bin/"
    self.source = source
    let scratch = try Scratch()
    let file = try scratch.write("a.c", source)
    let place = scratch.path
    func run(_ program: String, _ arguments: [String], output: FilePath? = nil, statuses: Set<Int32> = [0]) throws {
      let process = Process()
      process.executableURL = URL(filePath: program)
      process.arguments = arguments
      process.currentDirectoryURL = URL(filePath: place.string)
      if let output {
        if !FileManager.default.fileExists(atPath: output.string) {
          try Data().write(to: URL(filePath: output.string))
        }
        let handle = try FileHandle(forWritingTo: URL(filePath: output.string))
        try handle.seekToEnd()
        process.standardOutput = handle
        process.standardError = FileHandle.nullDevice
      }
      try process.run()
      process.waitUntilExit()
      try #require(statuses.contains(process.terminationStatus), "\(program) \(arguments)")
    }
    _ = file
    let all = ["-O2", "-w"] + set.branchingOptions + flags
    try run("\(tools)gcc", all + ["-g1", "-c", "-fdump-tree-cfg-lineno-blocks=a.cfg", "-o", "a.o", "a.c"])
    try run("\(tools)gcc", all + ["-E", "-fdirectives-only", "-o", "a.i", "a.c"])
    try run(
      "\(tools)objdump", ["-dlr", "--inlines", "--no-show-raw-insn", "a.o"], output: place.appending("a.s"))
    // Exit status 1 means that there are no such tables.
    try run(
      "\(tools)objdump", ["-r"] + set.wayTables.flatMap { ["-j", $0.section] } + ["a.o"],
      output: place.appending("a.s"), statuses: [0, 1])
    func read(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: URL(filePath: place.appending(name).string)))
    }
    object = LinePlan.Object(
      path: "a.o", disassembly: String(decoding: try read("a.s"), as: UTF8.self), controlFlow: try read("a.cfg"),
      preprocessed: try read("a.i"), files: ["a.c"], tree: place.string,
      instructions: set)
  }

  /// Returns the plan for a series that changes every line of the source.
  func plan(differing: Set<String>? = nil) -> LinePlan {
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      DiffLine(kind: .added, number: $0.offset + 1, text: String($0.element))
    }
    return LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [DiffHunk(heading: "@@", lines: lines)])],
      files: ["a.c": LinePlan.File(source: Array(source.utf8), differing: differing)], objects: [object])
  }

  /// Returns the place of the line that contains a text.
  func place(_ text: String, differing: Set<String>? = nil) throws -> ChangedLine.Place {
    try #require(plan(differing: differing).lines.first { $0.text.contains(text) }).place
  }

  func watch(_ text: String) throws -> LineWatch {
    guard case .watched(let watch) = try place(text) else {
      Issue.record("\(text): \(try place(text))")
      return LineWatch(ran: [])
    }
    return watch
  }
}
