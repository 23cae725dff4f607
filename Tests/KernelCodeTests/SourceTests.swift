// SPDX-License-Identifier: Apache-2.0

import KernelCode
import Testing

@Suite("Changes in a source file")
struct SourceTests {
  static let file = """
    // SPDX-License-Identifier: GPL-2.0
    #include <linux/mm.h>

    #define LIMIT 4 /* pages */

    struct pair {
    	int a;
    };

    /**
     * first - does it {
     */
    static int first(struct file *file,
    		 struct vm_area_struct *vma)
    {
    	const char *text = "/* no comment */ } {";

    	if (!file) {
    		return -EINVAL; // nothing
    	}
    	return 0;
    }

    __printf(2, 3)
    void second(struct device *dev, const char *format, ...)
    {
    	first(NULL, NULL);
    }
    EXPORT_SYMBOL(second);

    static inline int third(void) { return 3; }

    SYSCALL_DEFINE2(munmap, unsigned long, addr, size_t, len)
    {
    	return 0;
    }

    static const struct file_operations fops = {
    	.open = first,
    };
    """

  func change(_ edit: (String) -> String) -> SourceChange {
    SourceChange(before: Array(Self.file.utf8), after: Array(edit(Self.file).utf8))
  }

  func replacing(_ old: String, _ new: String) -> SourceChange {
    #expect(Self.file.contains(old))
    return change { $0.replacing(old, with: new) }
  }

  @Test("functions are found by name")
  func functions() {
    let outline = SourceOutline(Array(Self.file.utf8))
    #expect(Set(outline.functions.keys) == ["first", "second", "third", "__do_sys_munmap"])
    #expect(outline.rest.contains("#define LIMIT 4"))
    #expect(outline.rest.contains(".open = first,"))
    #expect(!outline.rest.contains("return"))
  }

  @Test("comments, blank lines and white space are not a change")
  func comments() {
    #expect(replacing("// nothing", "/* a\n longer\n comment */").isEmpty)
    #expect(change { $0.replacing("\t\t return", with: "return").replacing("\n\n", with: "\n\n\n") }.isEmpty)
    #expect(replacing("/* pages */", "").isEmpty)
  }

  @Test("a change is reported by its function, and by nothing else")
  func one() {
    #expect(replacing("-EINVAL", "-ENODEV").functions == ["first"])
    #expect(replacing("return 3", "return 4").functions == ["third"])
    #expect(replacing("format, ...)", "format)").functions == ["second"])
    #expect(replacing("size_t, len)\n{", "size_t, len)\n{\n\treturn 1;").functions == ["__do_sys_munmap"])
    for change in [replacing("-EINVAL", "-ENODEV"), replacing("return 3", "return 4")] { #expect(!change.rest) }
  }

  @Test("a comment marker within quotes is text")
  func text() {
    #expect(replacing("/* no comment */ } {", "/* other */ } {").functions == ["first"])
  }

  @Test("macros, types and tables are the rest")
  func rest() {
    for change in [
      replacing("LIMIT 4", "LIMIT 5"), replacing("int a;", "int a, b;"), replacing(".open = first", ".read = first"),
      replacing("EXPORT_SYMBOL(second)", "EXPORT_SYMBOL_GPL(second)"),
    ] {
      #expect(change.rest)
      #expect(change.functions == [])
    }
  }

  @Test("a new function is a change, a removed one is not")
  func comesAndGoes() {
    let more = change { $0 + "\nint fourth(void)\n{\n\treturn 4;\n}\n" }
    #expect(more.functions == ["fourth"])
    #expect(!more.rest)
    let less = replacing("static inline int third(void) { return 3; }\n", "")
    #expect(less.functions == [])
    #expect(!less.rest)
  }

  @Test("new and removed files")
  func files() {
    let new = SourceChange(before: nil, after: Array(Self.file.utf8))
    #expect(new.functions == ["__do_sys_munmap", "first", "second", "third"])
    #expect(new.rest)
    #expect(SourceChange(before: Array(Self.file.utf8), after: nil).rest)
    #expect(SourceChange(before: nil, after: nil).isEmpty)
  }

  @Test("both preprocessor branches belong to one function's text")
  func branches() {
    let text = """
      #ifdef CONFIG_MMU
      int f(void)
      {
      	return 1;
      }
      #else
      int f(void)
      {
      	return 2;
      }
      #endif
      """
    let other = text.replacing("return 2", with: "return 3")
    #expect(SourceChange(before: Array(text.utf8), after: Array(other.utf8)).functions == ["f"])
  }

  @Test(
    "what is cut or no C does no harm",
    arguments: ["", "{", "}", "(", "/*", "\"", "int f(", "int f(void)\n{", "(((\n{\n}", "\\", "'"])
  func damaged(text: String) {
    let outline = SourceOutline(Array(text.utf8))
    #expect(outline.functions.count <= 1)
  }
}
