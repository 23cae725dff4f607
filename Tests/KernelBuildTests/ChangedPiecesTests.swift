// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelCode
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import KernelBuild

@Suite("Changes in the sources and in the compiled code")
struct ChangedPiecesTests {
  private let header = "include/linux/mm.h"
  private let source = "mm/util.c"

  private func code(_ functions: [String: String], data: [String: String] = [:]) -> AssemblyOutline {
    var text = ""
    for (name, body) in functions.sorted(by: { $0.key < $1.key }) {
      text += "\t.type\t\(name), @function\n\(name):\n\t\(body)\n\t.size\t\(name), .-\(name)\n"
    }
    for (name, body) in data.sorted(by: { $0.key < $1.key }) {
      text += "\t.type\t\(name), @object\n\t.size\t\(name), 8\n\(name):\n\t\(body)\n"
    }
    return AssemblyOutline(Array(text.utf8))
  }

  private func object(_ source: String, reads: Set<String>, _ before: AssemblyOutline?, _ after: AssemblyOutline)
    -> CompiledObject
  {
    CompiledObject(
      path: source, source: source, reads: reads.union([source]), change: AssemblyChange(before: before, after: after))
  }

  private func source(_ before: String, _ after: String) -> SourceChange {
    SourceChange(before: Array(before.utf8), after: Array(after.utf8))
  }

  private func function(_ name: String, _ body: String) -> String { "int \(name)(void)\n{\n\t\(body);\n}\n" }

  @Test("a function that changed and compiles to different code is a piece that carries itself")
  func function() {
    let change = CodeChange(
      sources: [source: source(function("f", "a") + function("g", "b"), function("f", "c") + function("g", "b"))],
      objects: [object(source, reads: [], code(["f": "one", "g": "two"]), code(["f": "three", "g": "two"]))],
      compiled: [source], unexamined: [])
    #expect(change.pieces == [CodeChange.Piece(kind: .function, name: "f", file: source, carriers: ["f"])])
    #expect(change.functions == [CodeChange.Function(name: "f", file: source)])
    #expect(!change.isNothing)
  }

  @Test("a function that exists only inlined into others is carried by those")
  func inlined() {
    let change = CodeChange(
      sources: [header: source(function("f", "a"), function("f", "b"))],
      objects: [
        object(source, reads: [header], code(["g": "one"]), code(["g": "two"])),
        object("mm/mmap.c", reads: [header], code(["h": "one", "i": "one"]), code(["h": "two", "i": "one"])),
        object("fs/file.c", reads: [], code(["k": "one"]), code(["k": "two"])),
      ], compiled: [header], unexamined: [])
    #expect(change.pieces == [CodeChange.Piece(kind: .function, name: "f", file: header, carriers: ["g", "h"])])
    #expect(change.pieces[0].isInlined)
    #expect(change.functions.map(\.name) == ["k", "h", "g"])
  }

  @Test("a function that is also inlined into others is carried by itself and by them")
  func both() {
    let change = CodeChange(
      sources: [source: source(function("f", "a"), function("f", "b"))],
      objects: [object(source, reads: [], code(["f": "one", "g": "one"]), code(["f": "two", "g": "two"]))],
      compiled: [source], unexamined: [])
    #expect(change.pieces.map(\.carriers) == [["f", "g"]])
    #expect(!change.pieces[0].isInlined)
  }

  @Test("source that compiles to the same code is not a piece")
  func same() {
    let change = CodeChange(
      sources: [source: source(function("f", "a * 2"), function("f", "a + a"))], objects: [], compiled: [source],
      unexamined: [])
    #expect(change == CodeChange())
    #expect(change.isNothing)
  }

  @Test("a table is a piece that is carried by what it points to")
  func table() {
    let change = CodeChange(
      sources: [source: source("int t[] = {\n\tf,\n};\n", "int t[] = {\n\tg,\n};\n")],
      objects: [
        object(
          source, reads: [], code(["f": "one", "g": "one"], data: ["t": ".quad\tf"]),
          code(["f": "one", "g": "one"], data: ["t": ".quad\tg"]))
      ], compiled: [source], unexamined: [])
    #expect(change.pieces == [CodeChange.Piece(kind: .declarations, name: "", file: source, carriers: ["g"])])
  }

  @Test("a declaration that affects only functions that changed themselves is not a separate piece")
  func prototype() {
    let change = CodeChange(
      sources: [source: source("int x;\n" + function("f", "a"), "long x;\n" + function("f", "b"))],
      objects: [object(source, reads: [], code(["f": "one"]), code(["f": "two"]))], compiled: [source], unexamined: [])
    #expect(change.pieces.map(\.kind) == [.function])
  }

  @Test("a changed export or initcall is not a function, but still a change")
  func rest() {
    let plain = "\t.type\tf, @function\nf:\n\tret\n\t.size\tf, .-f\n"
    func outline(_ level: String) -> AssemblyOutline {
      AssemblyOutline(Array((plain + "\t.long f - .init\(level)\n").utf8))
    }
    let change = CodeChange(
      sources: [source: source("late_initcall(f);\n", "core_initcall(f);\n")],
      objects: [object(source, reads: [], outline("late"), outline("core"))], compiled: [source], unexamined: [])
    #expect(change.pieces == [])
    #expect(change.unexamined == [source])
    #expect(!change.isNothing)
  }

  @Test("files that are not compiled are named if their code changed")
  func elsewhere() {
    let change = CodeChange(
      sources: ["drivers/i915.c": source(function("f", "a"), function("f", "b"))], objects: [], compiled: [],
      unexamined: ["a.o"])
    #expect(change.notCompiled == ["drivers/i915.c"])
    #expect(change.pieces == [])
    #expect(!change.isNothing)
  }

  @Test("everything in a new file is new")
  func newFile() {
    let change = CodeChange(
      sources: ["mm/new.c": SourceChange(before: nil, after: Array(function("f", "a").utf8))],
      objects: [object("mm/new.c", reads: [], nil, code(["f": "one"]))], compiled: ["mm/new.c"], unexamined: [])
    #expect(change.pieces.map(\.carriers) == [["f"]])
  }

  @Test("kbuild's own command becomes one that writes assembly, outside the tree, and no dependencies")
  func command() throws {
    let makefile = CompilerMakefile(["mm/util.o", "arch/x86/entry.o"], .x86, directory: "/work/asm") { object in
      object == "mm/util.o"
        ? "ccache gcc -Wp,-MMD,mm/.util.o.d -O2 -D'X=\"y\"' -c -o mm/util.o mm/util.c   ; ./tools/objtool mm/util.o"
        : "ccache gcc -c -o arch/x86/entry.o arch/x86/entry.S "
    }
    #expect(makefile.sources == ["mm/util.o": "mm/util.c"])
    #expect(makefile.output("mm/util.o") == "/work/asm/mm+util.o.s")
    #expect(makefile.rules.contains("-w -D__LINE__=0 -S -o"))
    #expect(!makefile.rules.contains("-MMD"))
    #expect(!makefile.rules.contains("objtool"))
    #expect(!makefile.rules.contains("entry"))
  }

  @Test(
    "objects of another architecture are read with its tools, and compared without what moves with their neighbours")
  func otherArchitecture() {
    let makefile = { (form: CompilerMakefile.Form) in
      CompilerMakefile(["mm/util.o"], to: form, .arm64, directory: "/work/arm") { _ in "gcc -c -o mm/util.o mm/util.c" }
    }
    #expect(makefile(.assembly).rules.contains("-w -D__LINE__=0 -fno-section-anchors -S -o"))
    let evidence = makefile(.evidence).rules
    #expect(evidence.contains(" aarch64-linux-gnu-objdump -dlr "))
    for name in ["__jump_table", "__ex_table", ".altinstructions"] {
      #expect(evidence.contains("aarch64-linux-gnu-objdump -r -j \(name) "), "\(name)")
    }
    #expect(!evidence.contains("-fno-section-anchors"), "that would be other code")
  }

  @Test("it also becomes one that records source lines")
  func lines() {
    let makefile = CompilerMakefile(["mm/util.o"], to: .lines, .x86, directory: "/work/lines") { _ in
      "gcc -O2 -c -o mm/util.o mm/util.c"
    }
    #expect(makefile.output("mm/util.o") == "/work/lines/mm+util.o.o")
    #expect(makefile.rules.contains("gcc -O2 -w -g1 -c -o '$(OUT_o)/"))
    #expect(!makefile.rules.contains("__LINE__"))
  }

  @Test(
    "output with lines names its own tree, whatever ccache stored from another",
    arguments: [CompilerMakefile.Form.lines, .evidence])
  func ownTree(form: CompilerMakefile.Form) async throws {
    let scratch = try Scratch()
    for name in ["one", "two"] {
      let tree = try scratch.write("\(name)/a.c", "int f(int x) { return x + 1; }\n").removingLastComponent()
      let makefile = CompilerMakefile(["a.o"], to: form, .x86, directory: scratch.path.appending("out-\(name)")) { _ in
        "ccache gcc -O2 -c -o a.o a.c"
      }
      let cache = ["CCACHE_DIR": scratch.path.appending("ccache").string, "CCACHE_NOHASHDIR": "1"]
      try await makefile.run(jobs: 1, environment: Tool.plainEnvironment.merging(cache) { $1 }) { tool, _ in
        var tool = tool
        tool.directory = tree
        return tool
      }
      let text = try await Tool("objdump", ["-dl", makefile.output("a.o").string]).output()
      #expect(text.contains("\(tree)/a.c:1"), "\(text)")
    }
  }
}

@Suite("Parsing addr2line's output")
struct SourcePlacesTests {
  @Test("inlined code comes first, without the tree's path; unknown lines are left out")
  func parse() {
    let text = """
      0x0000000000000010
      /cache/tree/./include/linux/fs.h:1017
      /cache/tree/mm/util.c:324 (discriminator 2)
      0x0000000000000020
      ??:0
      0x0000000000000030
      ??:?
      0x0000000000000040
      mm/util.c:7
      0x0000000000000050
      mm/util.c:?
      """
    #expect(
      SourcePlaces.parse(text, tree: "/cache/tree") == [
        0x10: "include/linux/fs.h:1017 mm/util.c:324", 0x40: "mm/util.c:7",
      ])
    #expect(SourcePlaces.parse("", tree: "/t") == [:])
    #expect(SourcePlaces.parse("a.c:1\n", tree: "/t") == [:])
  }
}

extension ObjectReading {
  fileprivate static let x86 = ObjectReading(.x86, objdump: "objdump")
  fileprivate static let arm64 = ObjectReading(.arm64, objdump: "aarch64-linux-gnu-objdump")
}
