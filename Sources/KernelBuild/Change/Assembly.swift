// SPDX-License-Identifier: Apache-2.0

import Foundation
import KernelCode
import SystemPackage
import Toolbox

private let assemblyDeadline = Duration.seconds(1200)

/// Objects as assembly, of the base and of a series.
struct AssemblySides: Sendable {
  var before: CompilerMakefile
  var after: CompilerMakefile

  /// In bytes. The longest of a kernel with KASAN has some 20 MB.
  private static let longestAssembly: Int64 = 256 << 20

  /// From an object to its source and what of it changed, for those that could be compared. Takes a while, and blocks.
  var changes: [String: (source: String, change: AssemblyChange)] {
    var found: [String: (String, AssemblyChange)] = [:]
    for (object, source) in after.sources {
      guard let text = regularContents(after.output(object), most: Self.longestAssembly) else { continue }
      let old = regularContents(before.output(object))
      // Without the base's side all would seem to be new; only a file that is new may be without.
      if old == nil, before.sources[object] != nil { continue }
      found[object] = (
        source, AssemblyChange(before: old.map { AssemblyOutline($0) }, after: AssemblyOutline(text))
      )
    }
    return found
  }
}

/// Compiles objects once more, with kbuild's own commands and to something else than the objects, as a part of a makefile.
struct CompilerMakefile: Sendable {
  /// What is made of an object's source.
  enum Form: String, Sendable, Hashable {
    /// Assembly, with `__LINE__` held still.
    case assembly = "s"
    /// The same code, with what tells each instruction's source line.
    case lines = "o"
    /// The same, and beside it what tells which of the source's lines they are: the instructions as text (`.s`), the ways
    /// through the source (`.cfg`), and what the preprocessor left of it (`.i`).
    case evidence = "oo"

    /// Where the kernel itself makes ways through the code.
    private static let tables = ["__jump_table", "__ex_table"]

    /// Adds a table's relocations to a file. Not every object has the table, and objdump's status does not tell that from
    /// a failure; with a failure there must be no file, for ways that nobody knows of look like none.
    private static func table(_ name: String, of object: String, to file: String) -> String {
      "if objdump -h \(object) | grep -q ' \(name) '; then "
        + "objdump -r -j \(name) \(object) >>\(file) || { rm -f \(file); false; }; fi"
    }

    /// The commands for one object.
    /// - Parameters:
    ///   - compile: the compiler with all its options but for what is made of what.
    ///   - output: a path without its last extension, for the shell.
    fileprivate func commands(_ compile: String, _ source: String, _ output: String) -> String {
      // The least of debugging information that tells lines, and what was inlined where; the code is the same.
      let lines = "-g1 -c"
      let whole = "\(output).\(rawValue)"
      switch self {
      case .assembly: return "\(compile) -w -D__LINE__=0 -S -o \(whole) \(source)"
      case .lines: return "\(compile) -w \(lines) -o \(whole) \(source)"
      case .evidence:
        return "\(compile) -w \(lines) -fdump-tree-cfg-lineno-blocks=\(output).cfg -o \(whole) \(source)"
          + " && \(compile) -w -E -fdirectives-only -o \(output).i \(source)"
          + " && objdump -dlr --inlines --no-show-raw-insn \(whole) >\(output).s"
          + Self.tables.map { " && \(Self.table($0, of: whole, to: "\(output).s"))" }.joined()
      }
    }
  }

  /// From an object to what it is compiled from.
  private(set) var sources: [String: String] = [:]
  private let form: Form
  let directory: FilePath
  /// The rules, to be put behind others.
  private(set) var rules = ""

  /// - Parameter directory: where the output goes; nothing is written to the tree.
  init(_ objects: [String], to form: Form = .assembly, directory: FilePath, command: (String) -> String?) {
    self.form = form
    self.directory = directory
    for object in objects {
      guard let recorded = command(object), let (words, source) = compiling(recorded, of: object) else { continue }
      sources[object] = source
      // What does not compile is for the build to say.
      rules += "\(target(object)):\n\t-@\(form.commands(words, source, placeholder))\n\n"
    }
    let targets = sources.keys.sorted().map(target).joined(separator: " ")
    rules += ".PHONY: \(targets)\nall: \(targets)\n"
  }

  private func target(_ object: String) -> String { "\(object)-\(form.rawValue)-again" }

  /// What is made of an object.
  /// - Parameter kind: the extension, where there are several.
  func output(_ object: String, _ kind: String? = nil) -> FilePath {
    directory.appending(String(object.map { $0 == "/" ? "+" : $0 }) + "." + (kind ?? form.rawValue))
  }

  /// `gcc … -c -o a.o a.c ; objtool …` as `gcc … -S -o DIRECTORY/a.o.s a.c`, without what writes beside the object, and
  /// without warnings, which the build itself has told.
  private func compiling(_ command: String, of object: String) -> (command: String, source: String)? {
    let compile = command.prefix { $0 != ";" }
    guard let output = compile.range(of: " -c -o \(object) ") else { return nil }
    let source = compile[output.upperBound...].trimmingCharacters(in: .whitespaces)
    guard source.hasSuffix(".c"), !source.contains(" ") else { return nil }
    let words = compile[..<output.lowerBound].split(separator: " ").filter { !$0.hasPrefix("-Wp,-MMD,") }
    // Not to be counted among the objects that were made. What tells lines names the tree that it was compiled in, so that
    // of another tree must not be taken for it.
    let prefix = "env -u CCACHE_STATSLOG" + (form == .assembly ? "" : " -u CCACHE_NOHASHDIR")
    return ("\(prefix) \(words.joined(separator: " "))", source)
  }

  /// Stands for the output's path, which is known only to an instance, and goes to make as a variable of its own.
  private var placeholder: String { "'$(OUT_\(form.rawValue))/$(subst /,+,$(patsubst %-\(form.rawValue)-again,%,$@))'" }

  /// The variable that the rules need, for make's command line.
  var variable: String { "OUT_\(form.rawValue)=\(directory)" }

  /// Makes the place for the output.
  func makeDirectory() throws {
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
  }

  /// - Parameter wrap: makes a tool run in its tree, where it may write to a directory besides.
  /// - Throws: ``ToolError`` if make cannot be run; an object that does not compile has no output.
  func run(
    jobs: Int, environment: [String: String], wrap: (Tool, _ output: FilePath) -> Tool
  ) async throws {
    guard !sources.isEmpty else { return }
    try makeDirectory()
    let makefile = directory.appending("Makefile")
    try Data(("pound := \\#\n.PHONY: all\nall:\n" + rules).utf8).write(to: URL(filePath: makefile.string))
    _ = try await wrap(
      Tool(
        "make", ["-rRk", "--no-print-directory", "-j\(jobs)", "-f", makefile.string, variable],
        environment: environment), directory
    ).run(deadline: assemblyDeadline)
  }
}
