// SPDX-License-Identifier: Apache-2.0

import Mutation
import Testing

@Suite struct UnreachableTests {
  private static let yaml = """
    - file: a.c
      function: f
      never: ["if (!is_file(x))"]
      lines:
        - return  -EINVAL;
      oneWay: ["if (x)"]
      why: >-
        every caller
        asks before
    """

  private func mutant(
    _ what: MutationOperator, _ before: String, _ after: String = "x", function: String = "f"
  ) -> Mutant {
    Mutant(
      id: "i", operator: what, in: "a.c", function: function, at: (9, 2), bytes: 0..<1, replacement: "",
      lines: (before, after))
  }

  @Test func aMutantOfALineThatNeverRunsIsArgued() throws {
    let list = try UnreachableLines(yaml: Self.yaml, name: "u")
    #expect(list.reason(for: mutant(.returnZero, "return -EINVAL;"), .unreached) == "every caller asks before")
    // It ran after all: the argument is wrong, and does not help.
    #expect(list.reason(for: mutant(.returnZero, "return -EINVAL;"), .alive) == nil)
    #expect(list.reason(for: mutant(.returnZero, "return -EINVAL;", function: "g"), .unreached) == nil)
    #expect(list.reason(for: mutant(.returnZero, "return -EIO;"), .unreached) == nil)
  }

  @Test("of a deleted statement, the next line may run, which says nothing")
  func deleted() throws {
    let list = try UnreachableLines(yaml: Self.yaml, name: "u")
    for fate in [MutantFate.alive, .unreached] {
      #expect(list.reason(for: mutant(.deleteCall, "return -EINVAL;", ";"), fate) != nil)
    }
    #expect(list.reason(for: mutant(.deleteCall, "return -EINVAL;", ";"), .killed) == nil)
  }

  @Test func ofAConditionThatNeverHoldsOnlyTheLostBranchIs() throws {
    let list = try UnreachableLines(yaml: Self.yaml, name: "u")
    for fate in [MutantFate.alive, .unreached] {
      #expect(list.reason(for: mutant(.dropErrorBranch, "if (!is_file(x))"), fate) != nil)
      // The negated condition holds immediately.
      #expect(list.reason(for: mutant(.negateCondition, "if (!is_file(x))"), fate) == nil)
    }
    #expect(list.reason(for: mutant(.dropErrorBranch, "if (!is_file(x))"), .killed) == nil)
  }

  @Test("a condition that never holds does not hold either with && instead of ||")
  func narrowed() throws {
    let yaml = """
      - file: a.c
        function: f
        never: ["if (a || b)", "if (a && b)", "if (!(a || b))"]
        why: x
      """
    let list = try UnreachableLines(yaml: yaml, name: "u")
    #expect(list.reason(for: mutant(.logical, "if (a || b)", "if (a && b)"), .alive) != nil)
    #expect(list.reason(for: mutant(.logical, "if (a || b)", "if (a && b)"), .killed) == nil)
    #expect(list.reason(for: mutant(.logical, "if (a && b)", "if (a || b)"), .alive) == nil)
    #expect(list.reason(for: mutant(.logical, "if (!(a || b))", "if (!(a && b))"), .alive) == nil)
    #expect(list.reason(for: mutant(.negateCondition, "if (a || b)", "if (!(a || b))"), .alive) == nil)
  }

  @Test func aLineIsArguedByWhatItDid() throws {
    let list = try UnreachableLines(yaml: Self.yaml, name: "u")
    func why(_ text: String, ran: Bool) -> String? { list.reason(file: "a.c", function: "f", text: text, ran: ran) }
    #expect(why("\treturn -EINVAL;", ran: false) != nil)
    #expect(why("\tif (!is_file(x))", ran: true) != nil)
    #expect(why("\treturn -EINVAL;", ran: true) == nil)
    #expect(why("\treturn 0;", ran: false) == nil)
    #expect(why("\tif (x)", ran: true) != nil)
    #expect(why("\tif (x)", ran: false) == nil)
    // That it goes one way says nothing about its mutants.
    for what in [MutationOperator.dropErrorBranch, .negateCondition] {
      #expect(list.reason(for: mutant(what, "if (x)"), .alive) == nil)
    }
  }

  @Test(arguments: [
    ("- file: a.c\n  function: f\n  why: x", "u:1: it names no lines: “lines”, “never” or “oneWay” is missing"),
    ("- file: a.c\n  function: f\n  lines: x\n  why: x", "u:3: “lines” must be a list"),
    ("- file: a.c\n  function: f\n  lines: ['']\n  why: x", "u:3: “lines” must hold strings"),
    ("- file: a.c\n  function: f\n  lines: [x]", "u:1: “why” is missing"),
  ]) func aMistakeIsToldWithItsLine(_ yaml: String, _ words: String) {
    let error = #expect(throws: MutantListError.self) { try UnreachableLines(yaml: yaml, name: "u") }
    #expect(error?.description == words)
  }

  @Test func whatAnAssertionLeadsToBelongsToIt() {
    let code = """
      int f(int a)
      {
      \tif (WARN_ON(a > 3)) {
      \t\ta = 0;
      \t\treturn -1;
      \t}
      \tdrm_WARN_ON(dev, a);
      \tif (a && WARN_ON(a == 2))
      \t\treturn 2;
      \treturn 0;
      }
      """
    let assertions = Assertions(CSource(path: "a.c", bytes: Array(code.utf8)))
    #expect((1...11).filter { assertions.contain(line: $0) } == [3, 4, 5, 7])
  }
}
