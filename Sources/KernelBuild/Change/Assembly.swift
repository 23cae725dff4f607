// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelCode
import SystemPackage
import Toolbox

private let assemblyDeadline = Duration.seconds(1200)

/// Objects as assembly, of the base and of a series.
struct AssemblySides: Sendable {
  var before: CompilerMakefile
  var after: CompilerMakefile
  /// By object of the series: the base's object that is made from the same source under its old name.
  var former: [String: MovedObject] = [:]

  /// In bytes. The longest assembly of a kernel with KASAN has about 20 MB.
  private static let longestAssembly: Int64 = 256 << 20

  /// By object: its source and what changed in it, for objects that could be compared. It takes a while, and blocks.
  var changes: [String: (source: String, change: AssemblyChange)] {
    var found: [String: (String, AssemblyChange)] = [:]
    for (object, source) in after.sources {
      guard var text = regularContents(after.output(object), most: Self.longestAssembly) else { continue }
      let formerly = former[object]?.from ?? object
      var old = regularContents(before.output(formerly))
      // Without the base's side everything would seem to be new; only a new file may lack it.
      if old == nil, before.sources[formerly] != nil { continue }
      if let moved = former[object] {
        old = old.map { moved.renamed($0) }
        text = moved.withOldStrings(text)
      }
      found[object] = (
        source, AssemblyChange(before: old.map { AssemblyOutline($0) }, after: AssemblyOutline(text))
      )
    }
    return found
  }
}

/// How the objects of a profile are read.
struct ObjectReading: Sendable, Hashable {
  var instructions: InstructionSet
  /// The program.
  var objdump: String

  init(_ instructions: InstructionSet, objdump: String) {
    self.instructions = instructions
    self.objdump = objdump
  }

  init(_ profile: KernelDefinition.Profile) {
    self.init(profile.instructions, objdump: profile.toolchain.binutil("objdump"))
  }
}

/// A part of a makefile that compiles objects again with kbuild's own commands, to something other than the objects.
struct CompilerMakefile: Sendable {
  /// What is made from an object's source.
  enum Form: String, Sendable, Hashable {
    /// Assembly, with a constant `__LINE__`.
    case assembly = "s"
    /// The same code, with each instruction's source line.
    case lines = "o"
    /// The same, and the evidence for its lines: the instructions as text (`.s`), the control flow of the source
    /// (`.cfg`), and the preprocessed source (`.i`).
    case evidence = "oo"

    /// Returns a command that appends a table's relocations to a file. Not every object has the table, and objdump's
    /// status does not tell that from a failure. After a failure there must be no file, because unknown branches would
    /// look like none.
    private static func table(_ name: String, of object: String, to file: String, _ objdump: String) -> String {
      "if \(objdump) -h \(object) | grep -qF ' \(name) '; then "
        + "\(objdump) -r -j \(name) \(object) >>\(file) || { rm -f \(file); false; }; fi"
    }

    /// Returns the commands for one object.
    /// - Parameters:
    ///   - compile: the compiler with all its options except those for input and output.
    ///   - output: a path without its last extension, for the shell.
    fileprivate func commands(
      _ compile: String, _ source: String, _ output: String, _ reading: ObjectReading
    ) -> String {
      // The minimum of debug information that has lines and inlining; it does not change the code.
      let lines = "-g1 -c"
      let whole = "\(output).\(rawValue)"
      switch self {
      case .assembly:
        let options = ["-w", "-D__LINE__=0"] + reading.instructions.comparingOptions
        return "\(compile) \(options.joined(separator: " ")) -S -o \(whole) \(source)"
      case .lines: return "\(compile) -w \(lines) -o \(whole) \(source)"
      case .evidence:
        return "\(compile) -w \(lines) -fdump-tree-cfg-lineno-blocks=\(output).cfg -o \(whole) \(source)"
          + " && \(compile) -w -E -fdirectives-only -o \(output).i \(source)"
          + " && \(reading.objdump) -dlr --inlines --no-show-raw-insn \(whole) >\(output).s"
          + reading.instructions.wayTables.map {
            " && \(Self.table($0.section, of: whole, to: "\(output).s", reading.objdump))"
          }.joined()
      }
    }
  }

  /// By object: the source that it is compiled from.
  private(set) var sources: [String: String] = [:]
  private let form: Form
  let directory: FilePath
  /// The rules, to be appended to others.
  private(set) var rules = ""

  /// - Parameters:
  ///   - reading: how the objects are read.
  ///   - directory: where the output goes; nothing is written to the tree.
  init(
    _ objects: [String], to form: Form = .assembly, _ reading: ObjectReading, directory: FilePath,
    command: (String) -> String?
  ) {
    self.form = form
    self.directory = directory
    for object in objects {
      guard let recorded = command(object), let (words, source) = compiling(recorded, of: object) else { continue }
      sources[object] = source
      // Compile errors are for the build to report.
      rules += "\(target(object)):\n\t-@\(form.commands(words, source, placeholder, reading))\n\n"
    }
    let targets = sources.keys.sorted().map(target).joined(separator: " ")
    rules += ".PHONY: \(targets)\nall: \(targets)\n"
  }

  private func target(_ object: String) -> String { "\(object)-\(form.rawValue)-again" }

  /// Returns the output for an object.
  /// - Parameter kind: the extension, if there are several outputs.
  func output(_ object: String, _ kind: String? = nil) -> FilePath {
    directory.appending(String(object.map { $0 == "/" ? "+" : $0 }) + "." + (kind ?? form.rawValue))
  }

  /// Turns `gcc … -c -o a.o a.c ; objtool …` into `gcc … -S -o DIRECTORY/a.o.s a.c`, without the options that write
  /// next to the object, and without warnings, which the build itself has reported.
  private func compiling(_ command: String, of object: String) -> (command: String, source: String)? {
    let compile = command.prefix { $0 != ";" }
    guard let output = compile.range(of: " -c -o \(object) ") else { return nil }
    let source = compile[output.upperBound...].trimmingCharacters(in: .whitespaces)
    guard source.hasSuffix(".c"), !source.contains(" ") else { return nil }
    let words = compile[..<output.lowerBound].split(separator: " ").filter { !$0.hasPrefix("-Wp,-MMD,") }
    // These must not count as objects that were made. Output with lines contains the path of the tree it was compiled
    // in, so ccache must not take another tree's output for it.
    let prefix = "env -u CCACHE_STATSLOG" + (form == .assembly ? "" : " -u CCACHE_NOHASHDIR")
    return ("\(prefix) \(words.joined(separator: " "))", source)
  }

  /// Stands for the output's path, which only an instance knows, and which is passed to make in a separate variable.
  private var placeholder: String { "'$(OUT_\(form.rawValue))/$(subst /,+,$(patsubst %-\(form.rawValue)-again,%,$@))'" }

  /// The variable that the rules need, for make's command line.
  var variable: String { "OUT_\(form.rawValue)=\(directory)" }

  /// Creates the output directory.
  func makeDirectory() throws {
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
  }

  /// - Parameter wrap: makes a tool run in its tree, where it may also write to a directory.
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
