// SPDX-License-Identifier: Apache-2.0

import Foundation
import Mutation
import Testing

@Suite struct ListTests {
  private static let argument = """
    # Why.
    - file: a.c
      function: f
      operator: relational
      before: if (a <  b)
      after: if (a <= b)
      why: >-
        they are never
        equal
    """

  private func mutant(_ before: String) -> Mutant {
    Mutant(
      id: "i", operator: .relational, in: "a.c", function: "f", at: (900, 2), bytes: 0..<1, replacement: "<=",
      lines: (before, "if (a <= b)"))
  }

  @Test func anArgumentIsFoundByWhatTheMutantDoes() throws {
    let list = try EquivalentMutants(yaml: Self.argument, name: "equivalent.yaml")
    #expect(list.reason(for: mutant("if (a < b)")) == "they are never equal")
    #expect(list.reason(for: mutant("if (a < c)")) == nil)
    #expect(try EquivalentMutants(yaml: "# nothing yet\n", name: "e").arguments == [])
  }

  @Test(arguments: [
    ("a: 1", "e:1: must be a list"),
    ("- file: a.c\n- file: b.c", "e:1: “operator” is missing"),
    (
      "- file: a.c\n  functon: f",
      "e:2: unknown field “functon”; known: after, before, file, function, operator, why"
    ),
    (argument.replacing("relational", with: "rational"), "e:4: unknown operator “rational”"),
    (argument + "\n" + argument, "e:11: repeats line 2"),
    (argument.replacing("if (a <= b)", with: "''"), "e:6: “after” must be a string"),
  ]) func aMistakeIsToldWithItsLine(_ yaml: String, _ words: String) {
    let error = #expect(throws: MutantListError.self) { try EquivalentMutants(yaml: yaml, name: "e") }
    #expect(error?.description == words)
  }

  @Test func brokenYAMLHasALineToo() {
    let error = #expect(throws: MutantListError.self) { try EquivalentMutants(yaml: "- file: a\n  b: [1\n", name: "e") }
    #expect(error.map { $0.line >= 2 } == true)
  }

  @Test(arguments: [
    ("- file: a.c", "f:1: “functions”, with a reason for each, is missing"),
    ("- file: a.c\n  functions:\n    f:", "f:3: a function needs a reason"),
    ("- file: a.c\n  functions:\n    f: x\n- file: a.c\n  functions:\n    f: y", "f:4: a.c is listed twice"),
  ]) func aFunctionNeedsAReason(_ yaml: String, _ words: String) {
    let error = #expect(throws: MutantListError.self) { try FunctionList(yaml: yaml, name: "f") }
    #expect(error?.description == words)
  }

  /// The lists that patchbench ships can be read.
  @Test func theListsOfTheCheckoutAreWhole() throws {
    let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Patches/mutants")
    func text(_ name: String) throws -> String {
      try String(contentsOf: directory.appending(path: name), encoding: .utf8)
    }
    let functions = try FunctionList(yaml: text("functions.yaml"), name: "functions.yaml")
    #expect(functions.files.contains { $0.path == "drivers/dma-buf/dma-buf.c" && $0.functions["dma_buf_mmap"] != nil })
    for argument in try EquivalentMutants(yaml: text("equivalent.yaml"), name: "equivalent.yaml").arguments {
      #expect(functions.files.contains { $0.path == argument.file && $0.functions[argument.function] != nil })
    }
    for argument in try UnreachableLines(yaml: text("unreachable.yaml"), name: "unreachable.yaml").arguments {
      #expect(
        functions.files.contains { $0.path == argument.file && $0.functions[argument.function] != nil },
        "\(argument.function) is drawn from")
    }
  }
}
