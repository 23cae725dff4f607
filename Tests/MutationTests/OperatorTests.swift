// SPDX-License-Identifier: Apache-2.0

import Mutation
import Testing

/// Checks the mutants of C code.
@Suite struct OperatorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var what: MutationOperator
    var code: String
    /// The changed lines, in order.
    var after: [String]
    var testDescription: String { "\(what.rawValue): \(code)" }

    init(_ what: MutationOperator, _ code: String, _ after: String...) {
      self.what = what
      self.code = code
      self.after = after
    }
  }

  static let cases = [
    Case(.deleteGet, "void f(struct vma *v) {\n\tget_file(v->file);\n}", ";"),
    Case(.deletePut, "void f(struct vma *v) {\n\tif (v)\n\t\tfput(v->file);\n}", ";"),
    // A macro that calls a function with another name.
    Case(.deleteLock, "void f(void *l) {\n\tmutex_lock(l);\n\tmutex_unlock(l);\n}", ";"),
    Case(.deleteUnlock, "void f(void *l) {\nout:\n\tmutex_unlock(l);\n}", ";"),
    Case(.deleteUnmap, "void f(struct vma *v) {\n\tunmap(v);\n}", ";"),
    // Neither calls that only log, nor calls whose value is used.
    Case(.deleteCall, "int f(struct vma *v) {\n\tpr_info(\"a; b\");\n\tnote(v);\n\treturn check(v);\n}", ";"),
    Case(.deleteCall, "int f(struct ops *o, struct vma *v) {\n\to->mmap(v);\n\treturn o->mmap(v);\n}", ";"),
    // The body of a macro's loop.
    Case(
      .deleteCall, "void f(struct list *h) {\n\tstruct list *p;\n\tlist_for_each(p, h)\n\t\tlist_add(p, h);\n}", ";"),
    Case(
      .swapCalls,
      "int f(struct vma *v) {\n\tint ret;\n\tnote(v);\n\tret = check(v);\n\tif (ret)\n\t\treturn ret;\n\treturn 0;\n}",
      "ret = check(v); if (ret) return ret; note(v);"),
    Case(
      .swapCalls,
      "int f(struct vma *v) {\n\tint ret;\n\tret = check(v);\n\tif (ret) {\n\t\treturn ret;\n\t}\n\tnote(v);\n\treturn 0;\n}",
      "note(v); ret = check(v); if (ret) { return ret; }"),
    // A call that needs the value cannot come before it.
    Case(
      .swapCalls,
      "int f(struct vma *v) {\n\tint ret;\n\tret = check(v);\n\tif (ret)\n\t\treturn ret;\n\tset(v, ret);\n\treturn 0;\n}"
    ),
    Case(
      .dropErrorBranch,
      "int f(struct vma *v) {\n\tif (check(v))\n\t\treturn -EINVAL;\n\tif (v)\n\t\tnote(v);\n\treturn 0;\n}",
      "if ((check(v)) && 0)"),
    Case(
      .wrongLabel,
      "int f(int a) {\n\tif (a)\n\t\tgoto one;\n\tif (a + 1)\n\t\tgoto two;\none:\n\ta++;\ntwo:\n\treturn a;\n}",
      "goto two;", "goto one;"),
    Case(.wrongLabel, "int f(int a) {\n\tif (a)\n\t\tgoto out;\nout:\n\treturn a;\n}"),
    Case(
      .relational, "int f(struct vma *v, unsigned long a) {\n\treturn a + pages(v) <\n\t\ta >> PAGE_SHIFT;\n}",
      "return a + pages(v) <="),
    Case(.relational, "int f(int a, int b) {\n\treturn a /* < */ >= b;\n}", "return a /* < */ > b;"),
    Case(.equality, "int f(int a, int b) {\n\treturn a == b;\n}", "return a != b;"),
    // In an argument that a macro uses more than once.
    Case(
      .negateCondition, "int f(struct vma *v) {\n\tif (CHECK(!v || !v->file))\n\t\treturn 1;\n\treturn 0;\n}",
      "if (!(CHECK(!v || !v->file)))", "if (CHECK(v || !v->file))", "if (CHECK(!v || v->file))"),
    // An assertion and the code behind it are left alone; the code next to it is not.
    Case(
      .negateCondition,
      "int f(struct vma *v) {\n\tif (WARN_ON(!v || !v->file)) {\n\t\tif (v)\n\t\t\treturn 1;\n\t}\n\tif (!v)\n\t\treturn 2;\n\treturn 0;\n}",
      "if (v)"),
    Case(.returnZero, "int f(int a) {\n\tif (WARN_ON(a))\n\t\treturn -EINVAL;\n\treturn -EPERM;\n}", "return 0;"),
    Case(
      .logical, "int f(int a, int b) {\n\tif (a && WARN_ON(b || !a))\n\t\treturn 1;\n\treturn 0;\n}",
      "if (a || WARN_ON(b || !a))"),
    Case(
      .negateCondition, "int f(int a) {\n\tif (!a)\n\t\treturn 1;\n\treturn a ? 1 : 2;\n}", "if (a)",
      "return !(a) ? 1 : 2;"),
    Case(
      .logical, "int f(int a, int b) {\n\tif (a && (b || !a))\n\t\treturn 1;\n\treturn 0;\n}", "if (a || (b || !a))",
      "if (a && (b && !a))"),
    Case(.pageShift, "unsigned long f(unsigned long a) {\n\treturn a << PAGE_SHIFT;\n}", "return a;"),
    Case(
      .pageShift, "unsigned long f(unsigned long a) {\n\treturn pages((void *)PAGE_ALIGN(a)) * PAGE_SIZE;\n}",
      "return pages((void *)(a)) * PAGE_SIZE;", "return pages((void *)PAGE_ALIGN(a));"),
    Case(
      .dropFlag, "void f(struct vma *v) {\n\tset(v, VM_IO | VM_PFNMAP);\n\tset(v, VM_DONTEXPAND);\n}",
      "set(v, VM_PFNMAP);", "set(v, VM_IO);", "set(v, 0);"),
    Case(
      .dropStore, "void f(struct vma *v) {\n\tv->ops = NULL;\n\tv->pgoff += pages(v);\n\tv->start = pages(v);\n}", ";",
      ";",
      "(void)pages(v);"),
    // The body of an `else if` is deleted alone, and so is the body of a macro's loop.
    Case(
      .dropStore,
      "void f(struct vma *v, struct list *h) {\n\tstruct list *p;\n\tif (v)\n\t\tnote(v);\n\telse if (h)\n\t\tv->pgoff = 1;\n\tlist_for_each(p, h)\n\t\tv->ops = p;\n}",
      ";", ";"),
    Case(
      .loseError, "int f(struct vma *v) {\n\tint ret = -EINVAL;\n\tret = -ENOMEM;\n\tret = check(v);\n\treturn ret;\n}",
      "int ret = 0;", ";", "(void)check(v);"),
    Case(
      .returnZero, "int f(struct vma *v) {\n\tint ret = check(v);\n\tif (ret)\n\t\treturn ret;\n\treturn -EINVAL;\n}",
      "return 0;",
      "return 0;"),
    Case(.returnZero, "void *f(void) {\n\treturn ERR_PTR(-EINVAL);\n}", "return NULL;"),
    Case(
      .arithmetic, "unsigned long f(unsigned long a) {\n\ta -= 2;\n\ta++;\n\treturn a + 3;\n}", "a += 2;", "a--;",
      "return a - 3;"),
    Case(.bitwise, "unsigned long f(unsigned long a) {\n\ta |= 2;\n\treturn a & 3;\n}", "a &= 2;", "return a | 3;"),
    Case(
      .offByOne, "int f(struct vma *v, unsigned long a) {\n\treturn map(v, 0, a - 1);\n}", "return map(v, 1, a - 1);",
      "return map(v, 0, a - 0);", "return map(v, 0, a - 2);"),
    Case(
      .swapArguments, "int f(struct vma *v, unsigned long a, unsigned long b) {\n\treturn map(v, a, b + 1);\n}",
      "return map(v, b + 1, a);"),
    Case(.boolean, "void f(void) {\n\tallow(true);\n}", "allow(false);"),
  ]

  @Test(arguments: cases) func makesItsMutants(_ one: Case) async throws {
    let (_, mutants) = try await Clang.mutants(one.code)
    #expect(mutants.filter { $0.operator == one.what }.map(\.after) == one.after)
  }

  @Test func everyOperatorHasACase() {
    #expect(Set(Self.cases.filter { !$0.after.isEmpty }.map(\.what)) == Set(MutationOperator.allCases))
  }

  /// A macro that the file defines is mutated where it is written. Comments, strings and other files' macros are not
  /// mutated.
  @Test func macrosAreMutatedWhereTheyAreWritten() async throws {
    let code = """
      #define LAST(v) \\
      \t((v)->end - 1) /* a < b - 1 */
      int f(struct vma *v) {
      \tpr_info("a < b && c");
      \t// a == b
      \treturn CHECK(v->pgoff > 3) || LAST(v) > v->start;
      }
      """
    let mutants = try await Clang.mutants(code).mutants
    #expect(
      mutants.map { "\($0.line) \($0.operator.rawValue) \($0.after)" } == [
        "3 arithmetic ((v)->end + 1) /* a < b - 1 */", "3 off-by-one ((v)->end - 0) /* a < b - 1 */",
        "3 off-by-one ((v)->end - 2) /* a < b - 1 */",
        "7 relational return CHECK(v->pgoff >= 3) || LAST(v) > v->start;",
        "7 off-by-one return CHECK(v->pgoff > 4) || LAST(v) > v->start;",
        "7 logical return CHECK(v->pgoff > 3) && LAST(v) > v->start;",
        "7 relational return CHECK(v->pgoff > 3) || LAST(v) >= v->start;",
      ])
  }

  /// The code after a mutant keeps its line, and each mutant is valid C.
  @Test(arguments: cases) func keepsLinesAndNames(_ one: Case) async throws {
    let (source, mutants) = try await Clang.mutants(one.code)
    let lines = source.bytes.count { $0 == 0x0a }
    for mutant in mutants {
      #expect(mutant.apply(to: source.bytes).count { $0 == 0x0a } == lines, "\(mutant.id)")
      #expect(mutant.id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
    }
    #expect(Set(mutants.map(\.id)).count == mutants.count)
    #expect(Set(mutants.map { $0.apply(to: source.bytes) }).count == mutants.count)
  }
}
