// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import KernelBuild
public import Mutation
public import SystemPackage
import Toolbox

/// clang is missing or does not work. Harness failure.
public enum ClangError: Error, Sendable, Hashable, CustomStringConvertible {
  case notFound
  /// It printed no AST for a file. The reason is the first line of its errors.
  case noTree(file: String, reason: String)

  public var description: String {
    switch self {
    case .notFound: "clang was not found in PATH; it comes with the Swift toolchain"
    case .noTree(let file, let reason): "clang printed no syntax tree for \(file): \(reason)"
    }
  }
}

/// Finds the mutants of a built base, or of a series on top of it.
public struct CandidateSearch: Sendable {
  private let base: BaseBuild
  private let clang: FilePath
  /// Files that replace the base's files: those of a series.
  private let overlay: [String: FilePath]
  private let scratch: FilePath

  /// - Parameters:
  ///   - environment: its `PATH` must contain clang.
  ///   - overlay: maps a path in the tree to the file that is read instead.
  ///   - scratch: a directory that the caller owns.
  /// - Throws: ``ClangError``
  public init(
    _ base: BaseBuild, environment: [String: String], overlay: [String: FilePath] = [:], scratch: FilePath
  ) throws(ClangError) {
    // clang is not a system tool: it is next to the compiler that built patchbench.
    let places = environment["PATH", default: ""].split(separator: ":").map { FilePath(String($0)).appending("clang") }
    guard let clang = places.first(where: { FileManager.default.isExecutableFile(atPath: $0.string) }) else {
      throw .notFound
    }
    self.base = base
    self.clang = clang
    self.overlay = overlay
    self.scratch = scratch
  }

  /// The mutants found in one file.
  public struct Found: Sendable {
    public var source: CSource
    public var mutants: [Mutant]
    /// The requested functions that exist.
    public var functions: Set<String>
  }

  /// Finds the mutants of the given functions of one file.
  /// - Returns: `nil` if nothing in the build reads the file.
  /// - Throws: ``ClangError``, ``ToolError``, and file system errors.
  public func mutants(of path: String, functions: Set<String>) async throws -> Found? {
    let file = overlay[path] ?? base.tree.pushing(FilePath(path))
    guard let (words, main) = try base.preprocessing(of: path),
      let bytes = FileManager.default.contents(atPath: file.string)
    else { return nil }
    let source = CSource(path: path, bytes: Array(bytes))
    var declarations: [SyntaxNode] = []
    // clang dumps the declarations whose names contain one given word. A dump of the whole file would be half a
    // gigabyte.
    for word in Set(functions.map(Self.filter)).sorted() {
      let text = try await dump(main, of: path, filter: word, words)
      let found = await Blocking.run { Result { () throws in try ClangDump.read(Array(text.utf8), file: path) } }
      declarations += try found.get().filter {
        $0.begin.spelling != nil && functions.contains($0.name) && Self.filter($0.name) == word
      }
    }
    let mutants = MutantFinder.mutants(of: source, declarations, functions: functions.contains)
    let bodies = declarations.filter { node in node.children.contains { $0.kind == "CompoundStmt" } }
    return Found(source: source, mutants: mutants, functions: Set(bodies.map(\.name)))
  }

  /// Returns `dma_buf` for `dma_buf_mmap`: one dump covers the whole family.
  private static func filter(_ function: String) -> String {
    let name = function.drop { $0 == "_" }
    return function.prefix { $0 == "_" } + name.split(separator: "_").prefix(2).joined(separator: "_")
  }

  private func dump(_ main: String, of path: String, filter: String, _ words: [String]) async throws -> String {
    var arguments = words
    if !overlay.isEmpty { arguments += ["-ivfsoverlay", try writeOverlay().string] }
    arguments += [
      // Features that gcc has and clang lacks do not matter here: types and places are right anyway.
      "-w", "-ferror-limit=0", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-Xclang", "-ast-dump-filter=\(filter)",
      main,
    ]
    let result = try await Tool(clang.string, arguments, in: base.tree).run(deadline: .seconds(300))
    guard case .exited = result.status else {
      throw ClangError.noTree(file: path, reason: "it \(result.status.words)")
    }
    if result.output.isEmpty, !result.status.isSuccess {
      throw ClangError.noTree(file: path, reason: result.errors.split(separator: "\n").first.map(String.init) ?? "")
    }
    return result.output
  }

  /// Writes clang's virtual file system overlay. JSON is valid YAML.
  private func writeOverlay() throws -> FilePath {
    struct Entry: Encodable {
      var name: String
      var type = "file"
      var contents: String
      enum CodingKeys: String, CodingKey {
        case name, type
        case contents = "external-contents"
      }
    }
    struct Overlay: Encodable {
      var version = 0
      var names = false
      var roots: [Entry]
      enum CodingKeys: String, CodingKey {
        case version, roots
        case names = "use-external-names"
      }
    }
    let roots = overlay.sorted { $0.key < $1.key }.map { path, file in
      Entry(name: base.tree.pushing(FilePath(path)).string, contents: file.string)
    }
    let file = scratch.appending("overlay.yaml")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    try encoder.encode(Overlay(roots: roots)).write(to: URL(filePath: file.string))
    return file
  }
}
