// SPDX-License-Identifier: Apache-2.0

import Foundation
import Mutation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@Suite struct DiffTests {
  private static let code = """
    int f(struct vma *v)
    {
    \tint ret;

    \tnote(v);
    \tret = map(v,
    \t\t  0, 1);
    \tif (ret)
    \t\tgoto out;
    \tv->ops = NULL;
    out:
    \treturn ret;
    }
    """

  /// git turns each diff into exactly the mutant, at the ends of the file too.
  @Test(arguments: ["", "\n", "\n\n\nint g;\n"]) func gitAppliesEveryMutant(_ end: String) async throws {
    let (source, mutants) = try await Clang.mutants(Self.code + end)
    try #require(mutants.count > 8)
    let scratch = try Scratch()
    for mutant in mutants {
      try scratch.write("code.c", String(decoding: source.bytes, as: UTF8.self))
      try scratch.write("0001.patch", mutant.mail(of: source))
      _ = try await Git.tool(["apply", "--", "0001.patch"], in: scratch.path).output()
      let after = FileManager.default.contents(atPath: scratch.path.appending("code.c").string)
      #expect(after.map { Array($0) } == mutant.apply(to: source.bytes), "\(mutant.id)")
    }
  }

  @Test func findsTheLinesAndFunctionsThatASeriesChanges() {
    let before = "int a(void)\n{\n\treturn 1;\n}\n\nint b(int x)\n{\n\treturn x;\n}\n"
    let after =
      "int a(void)\n{\n\treturn 1;\n}\n\nint b(int x)\n{\n\tx++;\n\treturn x;\n}\n\nint c(void)\n{\n\treturn 3;\n}\n"
    let lines = SeriesLines.added(before: Array(before.utf8), after: Array(after.utf8))
    #expect(lines.isSuperset(of: [8, 14]))
    #expect(lines.isDisjoint(with: [1, 2, 3, 6, 9]))
    let source = CSource(path: "x.c", bytes: Array(after.utf8))
    #expect(SeriesLines.functions(at: [8, 14], of: source) == ["b", "c"])
    #expect(SeriesLines.functions(at: [3], of: source) == ["a"])
    #expect(SeriesLines.functions(at: [5], of: source) == [])
  }

  @Test(arguments: [
    "{", "{\"kind\": \"x\"", "{\"kind\" \"x\"}", "{\"inner\": [}", "nonsense",
    "{\"range\": {\"begin\": {\"offset\": -}}}",
  ])
  func aDamagedDumpIsRefused(_ text: String) {
    #expect(throws: ClangDump.Malformed.self) { try ClangDump.read(Array(text.utf8), file: "x.c") }
  }
}
