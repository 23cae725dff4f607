// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Testing

@testable import KernelCode

@Suite("Code of an option that is off was never compiled")
struct OffCodeTests {
  @Test(
    "under each form of the condition, and where other code of the file is live",
    arguments: [
      "#ifdef CONFIG_DMA_API_DEBUG", "#if IS_ENABLED(CONFIG_DMA_API_DEBUG)", "#if defined(CONFIG_DMA_API_DEBUG)",
      "#if defined(CONFIG_DMA_API_DEBUG) && X > 2", "#ifndef NEVER_OFF",
    ])
  func conditions(condition: String) throws {
    let source = """
      #define IS_ENABLED(x) 0
      #define NEVER_OFF
      int live(int x)
      {
      	return x * 3;
      }

      int f(int x)
      {
      \(condition)
      	this does not even compile;
      #endif
      	return live(x) + 1;
      }

      \(condition)
      #define LIMIT 3
      #define LONG(x) \\
      	((x) + 1)
      #include <linux/nothing.h>
      static int helper(void) { return LIMIT; }
      #endif
      """
    let compiled = try Compiled(source)
    for text in ["this does not even compile", "#define LIMIT", "#define LONG", "((x) + 1)", "#include", "helper"] {
      #expect(try compiled.place(text) == .notCompiled(condition), "\(text)")
    }
    #expect(try compiled.place(condition) == .declaration)
    #expect(try compiled.place("#endif") == .declaration)
    #expect(try compiled.place("#define NEVER_OFF") == .declaration)
    if case .watched = try compiled.place("return x * 3") {} else { Issue.record("it is live") }
  }

  @Test("only macros are there, so no line of code shows whether the option is off")
  func macrosAlone() throws {
    let source = "int f(int x)\n{\n\treturn x;\n}\n#ifdef CONFIG_OFF\n#define A 1\n#else\n#define B 2\n#endif\n"
    let compiled = try Compiled(source)
    #expect(try compiled.place("#define A") == .notCompiled("#ifdef CONFIG_OFF"))
    #expect(try compiled.place("#define B") == .declaration)
  }

  @Test("the compiler reads it and drops it; the option is named")
  func isEnabled() throws {
    let source = """
      #define IS_ENABLED(x) 0
      void log(int);
      int f(int x)
      {
      	if (IS_ENABLED(CONFIG_A) && x > 1) {
      		log(x);
      		if (x)
      			log(x + 1);
      	}
      	if (IS_ENABLED(CONFIG_B))
      		log(x + 2);
      	if (0)
      		log(x + 3);
      	return x + 4;
      }
      """
    let compiled = try Compiled(source)
    #expect(try compiled.place("log(x);") == .notCompiled("IS_ENABLED(CONFIG_A)"))
    #expect(try compiled.place("log(x + 1)") == .notCompiled("IS_ENABLED(CONFIG_A)"))
    #expect(try compiled.place("log(x + 2)") == .notCompiled("IS_ENABLED(CONFIG_B)"))
    #expect(try compiled.place("log(x + 3)") == .notCompiled("the compiler drops it in this configuration"))
    if case .watched = try compiled.place("return x + 4") {} else { Issue.record("it is live") }
  }
}
