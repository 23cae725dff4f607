// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Which way an instruction of arm64 goes")
struct Arm64BranchTests {
  /// The flags as `pt_regs` has them.
  private func flags(_ names: String) -> UInt64 {
    names.reduce(0x6000_0005 & 0xf) { $0 | 1 << ["V": 28, "C": 29, "Z": 30, "N": 31][$1]! }
  }

  private func holds(_ test: BranchTest, flags: UInt64 = 0, registers: [Int: UInt64] = [:]) throws -> Bool {
    var value = flags
    if case .register(let number, let width) = test.source {
      value = try #require(registers[number]) & (width == 64 ? .max : 1 << UInt64(width) - 1)
    }
    let number =
      test.bits.isEmpty
      ? value == 0 ? 0 : 1
      : test.bits.enumerated().reduce(0) { $0 | Int(value >> UInt64($1.element) & 1) << $1.offset }
    return test.table >> UInt32(number) & 1 == 1
  }

  @Test(
    "by the flags, as the processor decides",
    arguments: [
      ("b.eq", "60 <f+0x60>", "Z", "N"), ("b.ne", "60 <f+0x60>", "", "Z"), ("b.cs", "60 <f+0x60>", "C", "Z"),
      ("b.cc", "60 <f+0x60>", "", "C"), ("b.mi", "60 <f+0x60>", "N", ""), ("b.pl", "60 <f+0x60>", "Z", "N"),
      ("b.vs", "60 <f+0x60>", "V", ""), ("b.vc", "60 <f+0x60>", "", "V"), ("b.hi", "60 <f+0x60>", "C", "CZ"),
      ("b.hi", "60 <f+0x60>", "CN", "Z"), ("b.ls", "60 <f+0x60>", "", "C"), ("b.ls", "60 <f+0x60>", "CZ", "C"),
      ("b.ge", "60 <f+0x60>", "NV", "N"), ("b.lt", "60 <f+0x60>", "V", "NV"), ("b.gt", "60 <f+0x60>", "NV", "ZNV"),
      ("b.le", "60 <f+0x60>", "Z", ""), ("b.le", "60 <f+0x60>", "N", "NV"), ("csel", "x0, x1, x2, eq", "Z", ""),
      ("cset", "w0, ne", "", "Z"), ("csinc", "w0, wzr, w1, lt", "N", ""), ("ccmp", "x0, #0x0, #0x4, ne", "", "Z"),
      ("csetm", "w0, hi", "C", "Z"), ("cneg", "w3, w3, mi", "N", ""),
    ])
  func conditions(mnemonic: String, operands: String, yes: String, no: String) throws {
    let test = try #require(InstructionSet.arm64.test(of: mnemonic[...], operands: operands[...]))
    #expect(test.source == .flags)
    #expect(try holds(test, flags: flags(yes)))
    #expect(try !holds(test, flags: flags(no)))
  }

  @Test(
    "by a register of its own",
    arguments: [
      ("cbz", "x3, 60 <f+0x60>", 3, 0, 1 << 40), ("cbz", "w3, 60 <f+0x60>", 3, 1 << 40, 1),
      ("cbnz", "x19, 60 <f+0x60>", 19, 1 << 40, 0), ("cbnz", "w0, 60 <f+0x60>", 0, 1, 1 << 32),
      ("tbz", "w1, #3, 60 <f+0x60>", 1, 0b0111, 0b1000), ("tbnz", "x1, #63, 60 <f+0x60>", 1, 1 << 63, 1 << 62),
    ] as [(String, String, Int, UInt64, UInt64)])
  func registers(mnemonic: String, operands: String, register: Int, yes: UInt64, no: UInt64) throws {
    let test = try #require(InstructionSet.arm64.test(of: mnemonic[...], operands: operands[...]))
    #expect(try holds(test, registers: [register: yes]))
    #expect(try !holds(test, registers: [register: no]))
  }

  @Test(
    "what depends on no condition has no test",
    arguments: [
      ("b", "60 <f+0x60>"), ("bl", "0 <mutex_lock>"), ("br", "x16"), ("ret", ""), ("cmp", "w0, #0x0"),
      ("cbz", "60 <f+0x60>"), ("tbz", "w1, 60 <f+0x60>"), ("csel", ""), ("bfi", "w0, w1, #4, #1"),
    ])
  func others(mnemonic: String, operands: String) {
    #expect(InstructionSet.arm64.test(of: mnemonic[...], operands: operands[...]) == nil)
  }

  @Test(
    arguments: [
      ("b", .jump), ("br", .jump), ("b.ne", .branch), ("cbnz", .branch), ("tbz", .branch), ("bl", .call),
      ("blr", .call),
      ("brk", .trap), ("ret", .return), ("nop", .other), ("bfi", .other), ("bic", .other), ("bti", .other),
      ("ldr", .other), ("csel", .other),
    ] as [(String, InstructionSet.Kind)])
  func kinds(mnemonic: String, kind: InstructionSet.Kind) {
    #expect(InstructionSet.arm64.kind(of: mnemonic[...]) == kind, "\(mnemonic)")
  }
}

@Suite("The lines of code for arm64", .enabled(if: Compiled.hasArm64, "./setup.sh cells installs the compiler"))
struct Arm64LineTests {
  private static let kasan = [
    "-fsanitize=kernel-address", "--param", "asan-instrumentation-with-call-threshold=10000",
    "-fasan-shadow-offset=0xdfff800000000000", "-fpatchable-function-entry=4,2",
  ]

  /// Two conditions that gcc would decide with one branch, one on a register, and accesses of four bytes.
  private static let source = """
    int call(int); int other(int);
    struct s { int a; int b; long c; };
    int f(struct s *p, int x, unsigned long y)
    {
    	p->a = x;
    	p->b = x + 1;
    	if (x > 3 &&
    	    y < 100)
    		return call(x);
    	if (!p->c)
    		return other(x);
    	if (x & 8)
    		return call(7);
    	return 0;
    }
    """

  private func tests(of watch: LineWatch, in plan: LinePlan) -> [BranchTest?] {
    watch.ways.flatMap(\.sights).map { plan.probes[$0.probe].test }
  }

  @Test("every condition is seen to go both ways", arguments: [[], kasan])
  func ways(flags: [String]) throws {
    let compiled = try Compiled(Self.source, flags: flags, for: .arm64)
    let plan = compiled.plan()
    for text in ["if (x > 3", "y < 100", "if (!p->c)", "if (x & 8)"] {
      let watch = try compiled.watch(text)
      #expect(watch.ways.count == 2, "\(text): \(watch.ways.map(\.words))")
      #expect(!tests(of: watch, in: plan).contains(nil), "\(text)")
    }
    let bit = tests(of: try compiled.watch("if (x & 8)"), in: plan)
    #expect(bit.allSatisfy { if case .register(_, 32) = $0?.source { $0?.bits == [3] } else { false } })
    let zero = tests(of: try compiled.watch("if (!p->c)"), in: plan)
    #expect(zero.allSatisfy { if case .register(_, 64) = $0?.source { $0?.bits == [] } else { false } })
  }

  @Test("KASAN's checks and the no-ops of the tracer do not split a run")
  func checks() throws {
    let compiled = try Compiled(Self.source, flags: Self.kasan, for: .arm64)
    let (first, second) = try (compiled.watch("p->a"), compiled.watch("p->b"))
    #expect(Set(first.ran.map(\.probe)) == Set(second.ran.map(\.probe)))
  }

  @Test("that an exclusive access is tried again is no condition")
  func exclusive() throws {
    let compiled = try Compiled(
      """
      void call(void);
      void f(int *p, int x)
      {
      	__atomic_fetch_add(p, x, 0);
      	if (__atomic_add_fetch(p, 1, 0) == 7)
      		call();
      }
      """, flags: ["-mno-outline-atomics"], for: .arm64)
    try #require(compiled.object.machine.instructions.indices.contains(where: compiled.object.machine.isRetry))
    #expect(try compiled.watch("fetch_add").ways.isEmpty)
    #expect(try compiled.watch("== 7").ways.count == 2)
  }

  /// As in arch/arm64/include/asm/alternative-macros.h: a jump that becomes a no-op, and a no-op that becomes a jump.
  private static func replaced(_ first: String, by other: String) -> String {
    """
    static inline __attribute__((always_inline)) int has(void)
    {
    	asm goto("661: \(first)\\n662:\\n\\t.pushsection .altinstructions, \\"a\\"\\n\\t"
    		".word 661b - ., 663f - .\\n\\t.hword 1\\n\\t.byte 4, 4\\n\\t.popsection\\n\\t"
    		".subsection 1\\n663: \(other)\\n664: .previous" : : : : yes);
    	return 0;
    yes:
    	return 1;
    }
    """ + Compiled.asking("has")
  }

  @Test(
    "what the kernel replaces while it boots leads both ways", arguments: [("nop", "b %l[yes]"), ("b %l[yes]", "nop")])
  func alternatives(first: String, other: String) throws {
    let compiled = try Compiled(Self.replaced(first, by: other), for: .arm64)
    let machine = compiled.object.machine
    let ran = { (text: String) in try Set(compiled.watch(text).ran.map(\.probe)) }
    let (before, under, behind) = try (ran("p[0]"), ran("p[1]"), ran("p[2]"))
    #expect(before.isDisjoint(with: under))
    #expect(under.isDisjoint(with: behind))
    #expect(before.isDisjoint(with: behind))
    let start = try #require(machine.functions.firstIndex { $0.name == "f" })
    let entry = try #require(machine.instructions.firstIndex { $0.function == start })
    let reached = machine.reach(from: [entry])
    for name in ["rare", "call"] {
      #expect(reached.contains { machine.instructions[$0].symbol.map { $0 == name[...] } ?? false }, "\(name)")
    }
  }
}
