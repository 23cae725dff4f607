// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Code that always runs together has one probe")
struct StraightCodeTests {
  private static let source = """
    extern int limit; void call(int); int other(int);
    int f(int *p, int x)
    {
    	p[0] = x;
    	p[1] = x + 1;
    	if (x > limit)
    		return other(x);
    	call(x);
    	p[2] = x;
    	return 0;
    }
    """

  /// Returns the probes, all of one plan, that show that the line containing a text ran.
  private func ran(_ text: String, in plan: LinePlan) throws -> Set<Int> {
    let line = try #require(plan.lines.first { $0.text.contains(text) })
    guard case .watched(let watch) = line.place else {
      Issue.record("\(text): \(line.place)")
      return []
    }
    return Set(watch.ran.map(\.probe))
  }

  @Test("statements in a straight run have one probe, that of the jump after them")
  func statements() throws {
    let plan = try Compiled(Self.source).plan()
    let first = try ran("p[0]", in: plan)
    #expect(first.count == 1)
    #expect(try ran("p[1]", in: plan) == first)
    #expect(try ran("if (x > limit)", in: plan) == first)
    #expect(plan.probes[first.first!].test != nil)
  }

  @Test("a call may not return, so the code after it has its own probe")
  func calls() throws {
    let plan = try Compiled(Self.source).plan()
    #expect(try ran("call(x)", in: plan).isDisjoint(with: ran("p[2]", in: plan)))
  }

  @Test("each outcome of a condition has its own probe")
  func ways() throws {
    let plan = try Compiled(Self.source).plan()
    let sides = try [ran("return other", in: plan), ran("call(x)", in: plan), ran("if (x > limit)", in: plan)]
    #expect(Set(sides.joined()).count == sides.map(\.count).reduce(0, +))
  }

  @Test("a jump target does not stand for the code before it")
  func labels() throws {
    let plan = try Compiled(
      """
      extern int *sum; int step(int);
      void f(int x)
      {
      	sum[0] = 1;
      	while (x > 3) {
      		sum[1] += x;
      		x = step(x);
      	}
      	sum[2] = 7;
      }
      """
    ).plan()
    #expect(try ran("sum[0]", in: plan).isDisjoint(with: ran("sum[1]", in: plan)))
    #expect(try ran("sum[1]", in: plan).isDisjoint(with: ran("sum[2]", in: plan)))
    #expect(try ran("sum[0]", in: plan).isDisjoint(with: ran("sum[2]", in: plan)))
  }

  @Test("KASAN's checks do not split a run")
  func checks() throws {
    let plan = try Compiled(
      Self.source,
      flags: [
        "-fsanitize=kernel-address", "--param", "asan-instrumentation-with-call-threshold=10000",
        "-fasan-shadow-offset=0xdffffc0000000000",
      ]
    ).plan()
    #expect(try ran("p[0]", in: plan) == ran("p[1]", in: plan))
  }

  @Test("in a function with a jump through a table, each instruction stands for itself")
  func jumpTable() throws {
    let cases = (0..<9).map { "\tcase \($0): p[\($0)] = call(\($0 * $0)); break;\n" }.joined()
    let machine = try Compiled(
      "int call(int);\nint f(int *p, int x)\n{\n\tp[9] = x;\n\tp[10] = x + 1;\n\tswitch (x) {\n\(cases)\t}\n\treturn 0;\n}\n",
      flags: ["-fjump-tables"]
    ).object.machine
    try #require(machine.isOpaque.contains(true), "gcc made no table")
    #expect(machine.leaders() == Array(machine.instructions.indices))
  }

  @Test("where the kernel patches code at run time, each instruction stands for itself")
  func hidden() throws {
    let key = """
      extern int limit; void call(int);
      int f(int *p, int x)
      {
      	p[0] = x;
      	asm goto(".byte 0x0f,0x1f,0x44,0x00,0x00" : : : : on);
      	p[1] = x + 1;
      on:
      	p[2] = x;
      	return 0;
      }
      """
    let plan = try Compiled(key).plan()
    #expect(try ran("p[1]", in: plan).isDisjoint(with: ran("p[2]", in: plan)))
    #expect(try ran("p[0]", in: plan).isDisjoint(with: ran("p[1]", in: plan)))
  }

  @Test("a line's instructions that only follow others add nothing")
  func behind() throws {
    let plan = try Compiled(
      """
      int one(int); int two(int); int three(int, int, int);
      int f(int x)
      {
      	return three(one(x), two(x), one(x + 1));
      }
      """
    ).plan()
    #expect(try ran("return three", in: plan).count == 1)
  }

  /// As in arch/x86/include/asm/jump_label.h without objtool's processing: a jump that becomes a nop at run time.
  private static let key = """
    static inline __attribute__((always_inline)) int on(void)
    {
    	asm goto("1: jmp %l[yes]\\n\\t.pushsection __jump_table, \\\"aw\\\"\\n\\t.balign 8\\n\\t"
    		".long 1b - ., %l[yes] - .\\n\\t.quad 0\\n\\t.popsection" : : : : yes);
    	return 0;
    yes:
    	return 1;
    }
    """ + Compiled.asking("on")

  @Test("a static key's target does not run with the code before it", arguments: ["-O2", "-Os"])
  func keys(level: String) throws {
    let plan = try Compiled(Self.key, flags: [level, "-fno-align-jumps", "-fno-align-loops"]).plan()
    let (before, under, behind) = try (ran("p[0]", in: plan), ran("p[1]", in: plan), ran("p[2]", in: plan))
    #expect(before.isDisjoint(with: under))
    #expect(under.isDisjoint(with: behind))
    #expect(before.isDisjoint(with: behind))
  }

  @Test("code after an access that may fault does not run with it")
  func faults() throws {
    let plan = try Compiled(
      """
      int f(int *p, int *user, int x)
      {
      	p[0] = x;
      	asm goto("1: movl %0, (%1)\\n\\t.pushsection __ex_table, \\\"a\\\"\\n\\t"
      		".long 1b - ., %l[bad] - ., 0\\n\\t.popsection" : : "r"(x), "r"(user) : "memory" : bad);
      	p[1] = x;
      	return 0;
      bad:
      	p[2] = x;
      	return -14;
      }
      """
    ).plan()
    let places = try [ran("p[0]", in: plan), ran("p[1]", in: plan), ran("p[2]", in: plan)]
    #expect(Set(places.joined()).count == places.map(\.count).reduce(0, +))
  }

  @Test("a loop that was entered long ago is seen where it passes")
  func loops() throws {
    let compiled = try Compiled(
      """
      int stop(void); void work(void);
      void f(void)
      {
      	while (!stop())
      		work();
      }
      """)
    let plan = compiled.plan()
    let machine = compiled.object.machine
    let probes = try ran("while", in: plan).map { plan.probes[$0] }
    let seen = probes.compactMap { probe in
      machine.instructions.firstIndex { $0.offset == machine.functions[$0.function].offset + probe.offset }
    }
    #expect(seen.contains { machine.reach(from: machine.next[$0]).contains($0) })
  }

  @Test("a trap, which cannot be probed, stands for nothing else")
  func traps() throws {
    let compiled = try Compiled(
      """
      int call(int);
      int f(int x)
      {
      	int ret = x;
      	if (x > 7) {
      		asm volatile("ud2");
      		ret = -22;
      		asm volatile("" : "+r"(ret));
      	}
      	return call(ret);
      }
      """)
    let plan = compiled.plan()
    let trap = try #require(compiled.object.machine.instructions.first { $0.mnemonic == "ud2" }).offset
    for probe in try ran("ret = -22", in: plan) { #expect(plan.probes[probe].offset != trap) }
    #expect(try !ran("ret = -22", in: plan).isEmpty)
  }
}
