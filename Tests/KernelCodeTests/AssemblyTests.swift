// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelCode
import SystemPackage
import TestSupport
import Testing

/// Compiles C with gcc as a kernel build does.
private func assembly(_ source: String, flags: [String] = []) throws -> AssemblyOutline {
  let scratch = try Scratch()
  let file = try scratch.write("a.c", source)
  let output = scratch.path.appending("a.s")
  try gcc(
    ["-O2", "-w", "-D__LINE__=0", "-fno-asynchronous-unwind-tables", "-S", "-o", output.string, file.string] + flags)
  return AssemblyOutline(try bytes(output))
}

private func bytes(_ file: FilePath) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file.string))) }

private func gcc(_ arguments: [String], prefix: String = "") throws {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/\(prefix)gcc")
  process.arguments = arguments
  try process.run()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0)
}

private let source = """
  extern int printk(const char *, ...);
  extern void outside(void *);
  struct ops { int (*open)(int); };
  static int limit = 4;
  static __attribute__((noinline)) int helper(int x)
  {
    if (__builtin_expect(x > limit, 0)) { printk("too many: %d\\n", x); __builtin_trap(); }
    return x * 3;
  }
  static inline int inlined(int x) { return x + 7; }
  int caller(int x)
  {
    int room[4] = { x };
    outside(room);
    return helper(x) + inlined(room[1]);
  }
  int other(int x)
  {
    static int calls;
    printk("line %d\\n", __LINE__);
    return helper(++calls + x);
  }
  const struct ops table = { .open = other };
  """

@Suite("Changes in compiled code")
struct AssemblyTests {
  static let variants: [[String]] = [[], ["-fsanitize=kernel-address"], ["-fno-omit-frame-pointer", "-fno-inline"]]

  private func change(_ flags: [String], _ old: String, _ new: String) throws -> AssemblyChange {
    try #require(source.contains(old))
    return AssemblyChange(
      before: try assembly(source, flags: flags),
      after: try assembly(source.replacing(old, with: new), flags: flags))
  }

  @Test("a string behind a variable does not belong to it, wherever gcc puts it")
  func strings() {
    let variable = "\t.data\n\t.type\tv, @object\n\t.size\tv, 8\nv:\n\t.quad\tf\n"
    let string = "\t.section\t.rodata.str1.8,\"aMS\"\n\t.align 8\n.LC8:\n\t.string\t\"text\"\n\t.zero\t56\n"
    let without = AssemblyOutline(Array(variable.utf8))
    #expect(AssemblyOutline(Array((variable + string).utf8)) == without)
    #expect(AssemblyOutline(Array((string + variable).utf8)) == without)
    // It does where the variable points to it, and then by its text.
    let table = variable.replacing("f\n", with: ".LC8\n")
    let other = string.replacing("\"text\"", with: "\"more\"")
    #expect(AssemblyOutline(Array((table + string).utf8)) == AssemblyOutline(Array((string + table).utf8)))
    #expect(AssemblyOutline(Array((table + string).utf8)) != AssemblyOutline(Array((table + other).utf8)))
    let longer = variable + "\t.quad\tg\n"
    #expect(AssemblyOutline(Array(longer.utf8)) != without)
  }

  @Test("moved lines are not a change", arguments: variants)
  func moved(flags: [String]) throws {
    #expect(try change(flags, "static inline int", "\n/* three\nmore\nlines */\nstatic inline int").isEmpty)
    #expect(try change(flags, "  int room", "\n\n\n  int room").isEmpty)
  }

  @Test("parameter names and equivalent code are not a change", arguments: variants)
  func equal(flags: [String]) throws {
    #expect(try change(flags, "return x * 3;", "return 2 * x + x;").isEmpty)
    #expect(try change(flags, "int (*open)(int);", "int (*open)(int value);").isEmpty)
  }

  @Test("a function that differs is reported, and its neighbours are not", arguments: variants)
  func one(flags: [String]) throws {
    let change = try change(flags, "return x * 3;", "outside(0); return x * 3;")
    #expect(change.functions == ["helper"])
    #expect(change.data == [:])
    #expect(!change.rest)
  }

  @Test("a change in an inlined function shows in its callers")
  func inlined() throws {
    let change = try change([], "x + 7", "x + 8")
    #expect(change.functions == ["caller"])
    #expect(!change.present.contains("inlined"))
  }

  @Test("a string is part of the function that uses it", arguments: variants)
  func string(flags: [String]) throws {
    #expect(try change(flags, "too many", "too few").functions == ["helper"])
  }

  @Test("a table is reported with the functions that it points to")
  func table() throws {
    let change = try change([], ".open = other", ".open = caller")
    #expect(change.functions == [])
    #expect(change.data["table"] == ["caller"])
  }

  @Test("a variable is reported with the functions that use it")
  func variable() throws {
    let change = try change([], "int limit = 4", "volatile int limit = 5")
    #expect(change.data["limit"] == ["helper"])
  }

  @Test("a changed initcall level is a change, a moved initcall is not")
  func initcall() throws {
    func file(_ counter: Int, _ level: String) -> AssemblyOutline {
      AssemblyOutline(
        Array(
          """
          \t.text
          #APP
          \t.section\t".initcall\(level).init", "a"
          __initcall__kmod_dma_buf__\(counter)_0_dma_buf_init\(level):
          .long\tdma_buf_init - .
          .previous
          #NO_APP
          \t.section\t.init.text
          \t.type\tdma_buf_init, @function
          dma_buf_init:
          \tret
          \t.size\tdma_buf_init, .-dma_buf_init

          """.utf8))
    }
    #expect(AssemblyChange(before: file(363, "4"), after: file(370, "4")).isEmpty)
    let change = AssemblyChange(before: file(363, "4"), after: file(363, "2"))
    #expect(change.rest)
    #expect(change.functions == [])
  }

  @Test("a new function is a change")
  func new() throws {
    #expect(
      try change([], "const struct ops", "int fresh(void) { return 1; }\nconst struct ops").functions == ["fresh"])
  }

  @Test("everything in a new file is new")
  func newFile() throws {
    let change = AssemblyChange(before: nil, after: try assembly(source))
    #expect(change.functions == ["caller", "helper", "other"])
  }
}

@Suite("The places where calls can be counted")
struct TraceTableTests {
  /// Links the files as a kernel is linked: with the table of calls that gcc records, between two marks.
  private func table(_ files: [String: String], flags: [String] = []) throws -> TraceTable? {
    let scratch = try Scratch()
    let names = try files.sorted { $0.key < $1.key }.map { try scratch.write($0.key, $0.value).string }
    let output = scratch.path.appending("vmlinux")
    try gcc(
      flags + [
        "-O2", "-w", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-Wl,-e,one",
        "-Wl,--defsym=__start_mcount_loc=__start___mcount_loc", "-Wl,--defsym=__stop_mcount_loc=__stop___mcount_loc",
        "-o", output.string,
      ] + names)
    return try bytes(output).withUnsafeBytes { TraceTable($0, calls: .listed) }
  }

  private static let traced = ["-pg", "-mfentry", "-mrecord-mcount"]
  private static let files = [
    "a.c": """
    __attribute__((no_instrument_function)) void __fentry__(void) { }
    static __attribute__((noinline)) int same(int x) { return x + 1; }
    int one(int x) { return same(x); }
    __attribute__((no_instrument_function)) int quiet(int x) { return x; }
    """,
    "b.c": """
    static __attribute__((noinline)) int same(int x) { return x - 1; }
    int two(int x) { return same(x); }
    """,
  ]

  @Test("every function has a place")
  func places() throws {
    let table = try #require(try table(Self.files, flags: Self.traced))
    let found =
      ["one", "two"].flatMap { table.entries(of: $0, in: "a.c") } + table.entries(of: "same", in: "a.c")
      + table.entries(of: "same", in: "b.c")
    #expect(Set(found.map(\.address)).count == 4)
    // Each function begins with the call to the tracer.
    for (name, file) in [("one", "a.c"), ("two", "b.c"), ("same", "a.c"), ("same", "b.c")] {
      let entry = try #require(table.entries(of: name, in: file).first)
      #expect(try table.places.address(of: entry.name, in: file) == entry.address)
    }
    #expect(found.map { $0.name.prefix { $0 != "." } } == ["one", "two", "same", "same"])
  }

  @Test("code that is freed before the tests begin cannot be watched")
  func initText() throws {
    var files = Self.files
    files["c.c"] = """
      __attribute__((section(".init.text"))) int begins(int x) { return x + 2; }
      """
    let all = try #require(try table(files, flags: Self.traced))
    // The marks of the kernel's linker script.
    func mark(_ name: String) -> String { ".section .init.text, \"ax\"\n.globl \(name)\n\(name):\n" }
    files["b1.s"] = mark("_sinittext")
    files["d.s"] = mark("_einittext")
    let table = try #require(try table(files, flags: Self.traced))
    #expect(table.entries(of: "begins", in: "c.c") == [])
    let found =
      ["one", "two", "same"].flatMap { table.entries(of: $0, in: "a.c") } + table.entries(of: "same", in: "b.c")
    #expect(all.entries(of: "begins", in: "c.c").count == 1)
    #expect(
      found == ["one", "two", "same"].flatMap { all.entries(of: $0, in: "a.c") } + all.entries(of: "same", in: "b.c"))
  }

  @Test("functions with the same name are distinguished by their files")
  func sameName() throws {
    let table = try #require(try table(Self.files, flags: Self.traced))
    #expect(table.entries(of: "same", in: "a.c") != table.entries(of: "same", in: "b.c"))
    #expect(table.entries(of: "same", in: "header.h").count == 2)
  }

  @Test(
    "where kprobes cannot use the tracer's call, the function begins at its first instruction",
    .enabled(if: Compiled.hasArm64, "./setup.sh cells installs the compiler"))
  func entries() throws {
    let scratch = try Scratch()
    let file = try scratch.write(
      "a.c",
      """
      __attribute__((noinline)) int two(int x) { return x - 1; }
      int one(int x) { return two(x) + 1; }
      __attribute__((patchable_function_entry(0, 0))) int quiet(int x) { return x; }
      """)
    let output = scratch.path.appending("vmlinux")
    try gcc(
      [
        "-O2", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-fpatchable-function-entry=4,2", "-Wl,-e,one",
        "-Wl,--defsym=__start_mcount_loc=__start___patchable_function_entries",
        "-Wl,--defsym=__stop_mcount_loc=__stop___patchable_function_entries", "-o", output.string, file.string,
      ], prefix: "aarch64-linux-gnu-")
    let table = try bytes(output).withUnsafeBytes { TraceTable($0, calls: InstructionSet.arm64.traceSite) }
    for name in ["one", "two"] {
      let entry = try #require(table?.entries(of: name, in: "a.c").first, "\(name)")
      #expect(try table?.places.address(of: name, in: "a.c") == entry.address)
    }
    #expect(table?.entries(of: "quiet", in: "a.c") == [])
  }

  @Test("functions that are not traced have no place")
  func untraceable() throws {
    let table = try #require(try table(Self.files, flags: Self.traced))
    #expect(table.entries(of: "quiet", in: "a.c") == [])
    #expect(table.entries(of: "nowhere", in: "a.c") == [])
  }

  @Test(
    "what is no kernel has no table",
    arguments: [[], [0x7f, 0x45, 0x4c, 0x46, 2, 1], Array(repeating: 0xff, count: 200)] as [[UInt8]])
  func damaged(bytes: [UInt8]) { #expect(bytes.withUnsafeBytes { TraceTable($0, calls: .listed) } == nil) }

  @Test("a damaged file is read up to the damage and no further")
  func cut() throws {
    let scratch = try Scratch()
    let file = try scratch.write("a.c", Self.files["b.c"]!)
    let output = scratch.path.appending("a.o")
    try gcc(["-O2", "-c", "-o", output.string, file.string])
    let whole = try bytes(output)
    for end in stride(from: 0, to: whole.count, by: 7) {
      #expect(whole[..<end].withUnsafeBytes { TraceTable($0, calls: .listed) } == nil)
    }
    for place in stride(from: 16, to: 64, by: 1) {
      var damaged = whole
      damaged[place] = 0xff
      #expect(damaged.withUnsafeBytes { TraceTable($0, calls: .listed) } == nil)
    }
  }
}

@Suite("The positions of functions in an object")
struct ObjectCodeTests {
  private let source = """
    int one(int x) { return x + 1; }
    __attribute__((section(".init.text"))) int two(int x) { return x - 1; }
    int three = 3;
    """

  @Test("each function is in its section, and only requested ones are returned")
  func functions() throws {
    let scratch = try Scratch()
    let output = scratch.path.appending("a.o")
    try gcc(["-O2", "-c", "-o", output.string, scratch.write("a.c", source).string])
    let all = try bytes(output)
    let code = try #require(all.withUnsafeBytes { ObjectCode($0, of: ["one", "two", "three", "four"]) })
    #expect(code.functions.map(\.name).sorted() == ["one", "two"])
    #expect(Set(code.functions.map(\.section)) == [".text", ".init.text"])
    #expect(code.functions.allSatisfy { $0.size > 0 && $0.offset == 0 })
    #expect(all.withUnsafeBytes { ObjectCode($0, of: ["two"]) }?.functions.map(\.section) == [".init.text"])
    for end in stride(from: 0, to: all.count, by: 7) {
      // Without its end the file has no sections, and without sections no functions.
      let cut = all[..<end].withUnsafeBytes { ObjectCode($0, of: ["one", "two"]) }
      #expect(cut?.functions.allSatisfy(code.functions.contains) != false, "cut at \(end)")
      #expect(cut == nil || end > all.count / 2, "cut at \(end)")
    }
  }
}
