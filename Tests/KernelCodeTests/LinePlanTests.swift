import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import KernelCode

/// What gcc, objdump and the preprocessor say of a source, taken for one that a series changes.
private struct Compiled {
  let source: String
  let object: LinePlan.Object

  init(_ source: String, flags: [String] = []) throws {
    self.source = source
    let scratch = try Scratch()
    let file = try scratch.write("a.c", source)
    let place = scratch.path
    func run(_ program: String, _ arguments: [String], output: FilePath? = nil, statuses: Set<Int32> = [0]) throws {
      let process = Process()
      process.executableURL = URL(filePath: program)
      process.arguments = arguments
      process.currentDirectoryURL = URL(filePath: place.string)
      if let output {
        if !FileManager.default.fileExists(atPath: output.string) {
          try Data().write(to: URL(filePath: output.string))
        }
        let handle = try FileHandle(forWritingTo: URL(filePath: output.string))
        try handle.seekToEnd()
        process.standardOutput = handle
        process.standardError = FileHandle.nullDevice
      }
      try process.run()
      process.waitUntilExit()
      try #require(statuses.contains(process.terminationStatus), "\(program) \(arguments)")
    }
    _ = file
    let all = ["-O2", "-w"] + flags
    try run("/usr/bin/gcc", all + ["-g1", "-c", "-fdump-tree-cfg-lineno-blocks=a.cfg", "-o", "a.o", "a.c"])
    try run("/usr/bin/gcc", all + ["-E", "-fdirectives-only", "-o", "a.i", "a.c"])
    try run(
      "/usr/bin/objdump", ["-dlr", "--inlines", "--no-show-raw-insn", "a.o"], output: place.appending("a.s"))
    // 1: there are no such tables.
    try run(
      "/usr/bin/objdump", ["-r", "-j", "__jump_table", "-j", "__ex_table", "a.o"], output: place.appending("a.s"),
      statuses: [0, 1])
    func read(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: URL(filePath: place.appending(name).string)))
    }
    object = LinePlan.Object(
      path: "a.o", disassembly: String(decoding: try read("a.s"), as: UTF8.self), controlFlow: try read("a.cfg"),
      preprocessed: try read("a.i"), files: ["a.c"], tree: place.string)
  }

  /// The plan for a series that changes all lines of the source.
  func plan(differing: Set<String>? = nil) -> LinePlan {
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
      DiffLine(kind: .added, number: $0.offset + 1, text: String($0.element))
    }
    return LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [DiffHunk(heading: "@@", lines: lines)])],
      files: ["a.c": LinePlan.File(source: Array(source.utf8), differing: differing)], objects: [object])
  }

  /// The place of the line that a text stands in.
  func place(_ text: String, differing: Set<String>? = nil) throws -> ChangedLine.Place {
    try #require(plan(differing: differing).lines.first { $0.text.contains(text) }).place
  }

  func watch(_ text: String) throws -> LineWatch {
    guard case .watched(let watch) = try place(text) else {
      Issue.record("\(text): \(try place(text))")
      return LineWatch(ran: [])
    }
    return watch
  }
}

private let buffer = """
  void *alloc(int); int get(void *); void put(void *); void unmap(void *);
  extern int limit, count;
  int map(int size, int flags)
  {
  	int ret;
  	void *buffer;

  	if (size > limit)
  		return -22;

  	buffer = alloc(size);
  	if (!buffer) {
  		ret = -12;
  		goto out;
  	}
  	if (flags & 1 && size != 3) {
  		ret = get(buffer);
  		if (ret)
  			goto unmap;
  	} else {
  		ret = -5;
  		goto unmap;
  	}
  	count += get(
  		buffer);
  	return 0;
  unmap:
  	put(buffer);
  out:
  	return ret;
  }
  """

@Suite("Where the lines of a series lie in its image")
struct LinePlanTests {
  private let mapping: Compiled

  init() throws { mapping = try Compiled(buffer) }

  @Test("each line that does something is watched, with the ways of its conditions")
  func watched() throws {
    #expect(try mapping.watch("buffer = alloc").ways.isEmpty)
    let condition = try mapping.watch("if (!buffer)")
    #expect(condition.ways.map(\.words) == ["to line 13", "to line 16"])
    // One jump, of which one way is taken and the other is not.
    #expect(Set(condition.ways.flatMap(\.sights).map(\.probe)).count == 1)
    #expect(condition.ways.flatMap(\.sights).map { $0.taken ?? false }.sorted { !$0 && $1 } == [false, true])
    let two = try mapping.watch("if (flags & 1")
    #expect(Set(two.ways.map(\.words)) == ["to line 17", "to line 21"])
    for text in ["ret = -12", "goto out", "goto unmap", "ret = -5", "return 0", "put(buffer)", "return ret"] {
      let watch = try mapping.watch(text)
      #expect(!watch.ran.isEmpty || !watch.ways.isEmpty, "\(text)")
    }
  }

  @Test("an error path of its own is not seen by what others share with it")
  func ownPath() throws {
    // What only the failed allocation leads to, and not the refusal of the size, which ends in the same place.
    let lost = Set(try mapping.watch("ret = -12").ran)
    #expect(lost.isDisjoint(with: try mapping.watch("return -22").ran))
    #expect(lost.isDisjoint(with: try mapping.watch("ret = -5").ran))
    #expect(lost.isDisjoint(with: try mapping.watch("buffer = alloc").ran))
  }

  @Test("declarations, braces, labels and blank lines are not asked about")
  func noCode() throws {
    for text in ["int ret;", "void *buffer;", "out:", "} else {"] {
      #expect(try mapping.place(text) == .noCode, "\(text)")
    }
  }

  @Test("a statement's further lines are seen with its first")
  func statement() throws {
    #expect(try mapping.watch("\t\tbuffer);").ran == mapping.watch("count += get(").ran)
  }

  @Test("a function that comes out as before is not asked for")
  func sameCode() throws {
    #expect(try mapping.place("buffer = alloc", differing: ["other"]) == .sameCode)
    #expect(try mapping.place("buffer = alloc", differing: ["map", "other"]) != .sameCode)
  }

  @Test("what the preprocessor leaves out is told with its condition")
  func preprocessor() throws {
    let source = """
      int f(int x)
      {
      #ifdef CONFIG_DMA_API_DEBUG
      	this is no C;
      #elif defined(CONFIG_B)
      	x += 2;
      #else
      	x++;
      #endif
      	return x;
      }
      """
    let compiled = try Compiled(source)
    #expect(try compiled.place("this is no C") == .notCompiled("#ifdef CONFIG_DMA_API_DEBUG"))
    #expect(try compiled.place("x += 2") == .notCompiled("#elif defined(CONFIG_B)"))
    if case .watched = try compiled.place("x++") {} else { Issue.record("x++ is compiled") }
    #expect(try compiled.place("#else") == .declaration)
  }

  @Test("what the compiler drops is not taken for what needs no code")
  func dropped() throws {
    let compiled = try Compiled(
      "void log(int);\nint f(int x)\n{\n\tif (0)\n\t\tlog(x);\n\treturn x + 1;\n}\n")
    #expect(try compiled.place("log(x)") == .notCompiled("the compiler drops it in this configuration"))
    #expect(try compiled.place("void log") == .declaration)
    if case .watched = try compiled.place("return x + 1") {} else { Issue.record("it is compiled") }
  }

  @Test("a constant that is loaded before its condition does not show that its line ran")
  func hoisted() throws {
    // `ret = 1` becomes a move that depends on the comparison, with a load before it.
    let compiled = try Compiled(
      "int f(int x, int y)\n{\n\tint ret = y;\n\tif (x > 7)\n\t\tret = 1;\n\treturn ret;\n}\n")
    switch try compiled.place("ret = 1") {
    case .watched(let watch):
      #expect(watch.ran.isEmpty, "an address that runs whatever the condition says: \(watch)")
      #expect(watch.ways.count == 2)
    case .unseen: break
    case let place: Issue.record("\(place)")
    }
  }

  @Test("a condition that was inlined is seen by its jumps, wherever its caller goes on")
  func inlined() throws {
    let compiled = try Compiled(
      """
      int open(int); int use(int);
      static int check(int size)
      {
      	if (!size)
      		return -22;
      	if (size > 64)
      		return -75;
      	return 0;
      }
      int first(int size)
      {
      	int ret = check(size);
      	if (ret)
      		return ret;
      	return open(size);
      }
      int second(int size)
      {
      	int ret = check(size);
      	if (ret)
      		return ret;
      	return use(size);
      }
      """, flags: ["-finline-functions"])
    let plan = compiled.plan()
    for text in ["if (!size)", "return -22", "if (size > 64)", "return -75"] {
      guard case .watched(let watch) = try compiled.place(text) else {
        Issue.record("\(text): \(try compiled.place(text))")
        continue
      }
      let probes = (watch.ran + watch.ways.flatMap(\.sights)).map { plan.probes[$0.probe].function }
      #expect(Set(probes) == ["first", "second"], "\(text)")
    }
    let threaded = plan.lines.filter { $0.text.contains("if (ret)") }
    #expect(threaded.count == 2)
    for line in threaded {
      if case .watched(let watch) = line.place { #expect(watch.ways.count == 2) } else { Issue.record("\(line)") }
    }
  }

  @Test("where lines are only removed, what now follows has to run")
  func removed() throws {
    let hunk = DiffHunk(
      heading: "@@",
      lines: [
        DiffLine(kind: .context, number: 11, text: "\tbuffer = alloc(size);"),
        DiffLine(kind: .removed, number: 12, text: "\tget(buffer);"),
        DiffLine(kind: .context, number: 12, text: "\tif (!buffer) {"),
        DiffLine(kind: .context, number: 13, text: "\t\tret = -12;"),
      ])
    let plan = LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [hunk])],
      files: ["a.c": LinePlan.File(source: Array(buffer.utf8), differing: nil)], objects: [mapping.object])
    #expect(plan.lines.map(\.number) == [12])
    #expect(plan.lines.first?.follows == true)
    // What was only replaced asks for the new line, not for the one behind it.
    var replaced = hunk
    replaced.lines.insert(DiffLine(kind: .added, number: 12, text: "\tif (!buffer) {"), at: 2)
    replaced.lines.remove(at: 3)
    let other = LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [replaced])],
      files: ["a.c": LinePlan.File(source: Array(buffer.utf8), differing: nil)], objects: [mapping.object])
    #expect(other.lines.map(\.number) == [12])
    #expect(other.lines.first?.follows == false)
  }

  /// What is asked where a source lost some lines.
  private func lost(_ removed: [String], before text: String, of source: String, differing: Set<String>? = nil) throws
    -> [ChangedLine]
  {
    let compiled = try Compiled(source)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let number = try #require(lines.firstIndex { $0.contains(text) }) + 1
    let hunk = DiffHunk(
      heading: "@@", lines: removed.map { DiffLine(kind: .removed, number: number, text: $0) })
    return LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [hunk])],
      files: ["a.c": LinePlan.File(source: Array(source.utf8), differing: differing)], objects: [compiled.object]
    ).lines
  }

  private let optional = """
    void log(int);
    int f(int x)
    {
    	x += 3;
    #ifdef CONFIG_OFF
    	log(x);
    	log(-x);
    #endif
    #ifdef CONFIG_EMPTY
    #endif
    	log(x + 1);
    	return x;
    }
    """

  @Test("what went from under an option that is off was not compiled, whatever follows")
  func removedFromOption() throws {
    for text in ["log(-x)", "#endif"] {
      let lines = try lost(["\tlog(7);"], before: text, of: optional)
      #expect(lines.map(\.place) == [.notCompiled("#ifdef CONFIG_OFF")], "before \(text)")
      #expect(lines.map(\.follows) == [true])
    }
  }

  @Test("what went before an option that is off is asked of what is compiled behind it")
  func removedBeforeOption() throws {
    let lines = try lost(["\tlog(7);"], before: "#ifdef CONFIG_OFF", of: optional)
    #expect(lines.map(\.text) == ["\tlog(x + 1);"])
    guard case .watched = lines.first?.place else {
      Issue.record("\(lines)")
      return
    }
  }

  @Test("what went with its option, or left it empty, and made no difference, was not compiled")
  func removedWithOption() throws {
    let whole = ["#ifdef CONFIG_GONE", "\tlog(7);", "#endif"]
    #expect(
      try lost(whole, before: "return x", of: optional, differing: []).map(\.place)
        == [.notCompiled("#ifdef CONFIG_GONE")])
    let emptied = "#ifdef CONFIG_EMPTY\n#endif"
    #expect(optional.contains(emptied))
    let source = optional.replacingOccurrences(of: emptied, with: "#ifdef CONFIG_EMPTY\n/* empty */\n#endif")
    #expect(
      try lost(["\tlog(7);"], before: "/* empty */", of: source, differing: []).map(\.place)
        == [.notCompiled("#ifdef CONFIG_EMPTY")])
    // Where it made a difference, it was compiled, and what follows has to run.
    let differs = try lost(whole, before: "return x", of: optional, differing: ["f"])
    guard case .watched = differs.first?.place else {
      Issue.record("\(differs)")
      return
    }
  }

  @Test("an option that is put around code asks for what it takes away, and for what follows it")
  func wrappedInOption() throws {
    let compiled = try Compiled(optional)
    let numbers = optional.split(separator: "\n", omittingEmptySubsequences: false)
    func added(_ text: String) throws -> DiffHunk {
      let number = try #require(numbers.firstIndex { $0 == text }) + 1
      return DiffHunk(heading: "@@", lines: [DiffLine(kind: .added, number: number, text: text)])
    }
    let plan = LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [try added("#ifdef CONFIG_OFF"), try added("#endif")])],
      files: ["a.c": LinePlan.File(source: Array(optional.utf8), differing: ["f"])], objects: [compiled.object])
    let asked = plan.lines.filter(\.follows)
    #expect(asked.map(\.text) == ["\tlog(x);", "\tlog(x + 1);"])
    #expect(asked.first?.place == .notCompiled("#ifdef CONFIG_OFF"))
    guard case .watched = asked.last?.place else {
      Issue.record("\(asked)")
      return
    }
  }

  @Test("code that gives way to a comment is asked of what follows, and a comment of nothing")
  func replacedByComment() throws {
    let source = "void log(int);\nint f(int x)\n{\n\t/* not needed */\n\tlog(x + 1);\n\treturn x;\n}\n"
    let compiled = try Compiled(source)
    func asked(_ removed: String) -> [Int] {
      let hunk = DiffHunk(
        heading: "@@",
        lines: [
          DiffLine(kind: .removed, number: 4, text: removed),
          DiffLine(kind: .added, number: 4, text: "\t/* not needed */"),
        ])
      return LinePlan(
        diff: [DiffFile(path: "a.c", hunks: [hunk])],
        files: ["a.c": LinePlan.File(source: Array(source.utf8), differing: nil)], objects: [compiled.object]
      ).lines.filter(\.follows).map(\.number)
    }
    #expect(asked("\tlog(x);") == [5])
    #expect(asked("\t*x = 3;") == [5])
    for comment in ["\t/* needed */", "\t * needed", "\t *", "\t */", "\t// needed", ""] {
      #expect(asked(comment) == [], "\(comment)")
    }
  }

  @Test("an object that was not looked at tells nothing")
  func noObject() {
    let line = DiffLine(kind: .added, number: 11, text: "\tbuffer = alloc(size);")
    let plan = LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [DiffHunk(heading: "@@", lines: [line])])],
      files: ["a.c": LinePlan.File(source: Array(buffer.utf8), differing: nil)], objects: [])
    guard case .unseen = plan.lines[0].place else {
      Issue.record("\(plan.lines[0])")
      return
    }
  }
}

@Suite("Which way an instruction goes")
struct BranchTestTests {
  /// Carry, parity, zero, sign, overflow as they stand in the flags.
  private func flags(_ names: String) -> UInt64 {
    names.reduce(0x202) { $0 | 1 << ["C": 0, "P": 2, "Z": 6, "S": 7, "O": 11][$1]! }
  }

  private func holds(_ mnemonic: String, _ names: String) throws -> Bool {
    let test = try #require(BranchTest(x86: mnemonic[...]))
    let number = test.bits.enumerated().reduce(0) { $0 | Int(flags(names) >> UInt64($1.element) & 1) << $1.offset }
    return test.table >> UInt32(number) & 1 == 1
  }

  @Test(
    "as the processor decides",
    arguments: [
      ("je", "Z", ""), ("jne", "", "Z"), ("cmovb", "C", "ZS"), ("setae", "ZSO", "C"), ("jbe", "C", "SO"),
      ("jbe", "Z", "SO"), ("ja", "S", "C"), ("ja", "", "Z"), ("jl", "S", "SO"), ("jl", "O", ""), ("jge", "SO", "S"),
      ("jle", "Z", ""), ("jle", "S", "SO"), ("jg", "SO", "Z"), ("js", "S", "O"), ("jnp", "", "P"), ("seto", "O", "S"),
      ("cmovle", "ZSO", "SO"), ("setg", "", "ZS"),
    ])
  func conditions(mnemonic: String, yes: String, no: String) throws {
    #expect(try holds(mnemonic, yes))
    #expect(try !holds(mnemonic, no))
  }

  @Test(
    "what does not depend on flags is no condition", arguments: ["jmp", "call", "mov", "ret", "jrcxz", "setup", "test"])
  func others(mnemonic: String) { #expect(BranchTest(x86: mnemonic[...]) == nil) }
}

@Suite("A diff, taken apart")
struct UnifiedDiffTests {
  @Test("files, hunks and the numbers of lines in the new file")
  func parse() {
    let text = """
      diff --git a/b/0 b/b/0
      --- a/b/0
      +++ b/b/0
      @@ -1,3 +1,4 @@ int f(void)
       one
      -two
      +2
      +and a half
       three
      @@ -9 +10,0 @@
      -gone
      \\ No newline at end of file
      diff --git a/b/1 b/b/1
      --- /dev/null
      +++ b/b/1
      @@ -0,0 +1 @@
      +++ not a header
      """
    let files = UnifiedDiff.parse(text)
    #expect(files.map(\.path) == ["b/0", "b/1"])
    #expect(files[0].hunks[0].lines.map(\.number) == [1, 2, 2, 3, 4])
    #expect(files[0].hunks[0].lines.map(\.text) == ["one", "two", "2", "and a half", "three"])
    #expect(files[0].hunks[1].lines.map(\.kind) == [.removed])
    #expect(files[1].hunks[0].lines.map(\.text) == ["++ not a header"])
    #expect(UnifiedDiff.parse("").isEmpty)
    #expect(UnifiedDiff.shortened(files, to: 7).files == files)
    #expect(UnifiedDiff.shortened(files, to: 7).omitted == 0)
    let short = UnifiedDiff.shortened(files, to: 3)
    #expect(short.omitted == 4)
    #expect(short.files.map(\.path) == ["b/0"])
    #expect(short.files[0].hunks.map(\.lines.count) == [3])
  }
}

@Suite("What always runs together is looked at once")
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

  /// The probes that show that the line ran in which a text stands, all of one plan.
  private func ran(_ text: String, in plan: LinePlan) throws -> Set<Int> {
    let line = try #require(plan.lines.first { $0.text.contains(text) })
    guard case .watched(let watch) = line.place else {
      Issue.record("\(text): \(line.place)")
      return []
    }
    return Set(watch.ran.map(\.probe))
  }

  @Test("statements that nothing comes between have one probe, that of the jump behind them")
  func statements() throws {
    let plan = try Compiled(Self.source).plan()
    let first = try ran("p[0]", in: plan)
    #expect(first.count == 1)
    #expect(try ran("p[1]", in: plan) == first)
    #expect(try ran("if (x > limit)", in: plan) == first)
    #expect(plan.probes[first.first!].test != nil)
  }

  @Test("a call may not come back, so what stands behind it has its own")
  func calls() throws {
    let plan = try Compiled(Self.source).plan()
    #expect(try ran("call(x)", in: plan).isDisjoint(with: ran("p[2]", in: plan)))
  }

  @Test("each way out of a condition has its own")
  func ways() throws {
    let plan = try Compiled(Self.source).plan()
    let sides = try [ran("return other", in: plan), ran("call(x)", in: plan), ran("if (x > limit)", in: plan)]
    #expect(Set(sides.joined()).count == sides.map(\.count).reduce(0, +))
  }

  @Test("what is jumped to does not stand for what is before it")
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

  @Test("KASAN's checks do not come between")
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

  @Test("where the kernel writes code while it runs, and behind jumps through tables, each stands for itself")
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

  @Test("of a line's instructions those that come behind others tell nothing more")
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

  /// As arch/x86/include/asm/jump_label.h has it, where objtool has not been over it: a jump that is a nop once it runs.
  private static let key = """
    static inline __attribute__((always_inline)) int on(void)
    {
    	asm goto("1: jmp %l[yes]\\n\\t.pushsection __jump_table, \\\"aw\\\"\\n\\t.balign 8\\n\\t"
    		".long 1b - ., %l[yes] - .\\n\\t.quad 0\\n\\t.popsection" : : : : yes);
    	return 0;
    yes:
    	return 1;
    }
    void rare(int); void call(int);
    int f(int *p, int x)
    {
    	p[0] = x;
    	if (on()) {
    		p[1] = 5;
    		rare(x);
    	}
    	p[2] = x + 1;
    	call(x);
    	return 0;
    }
    """

  @Test("what a static key leads to does not run with what stands before it", arguments: ["-O2", "-Os"])
  func keys(level: String) throws {
    let plan = try Compiled(Self.key, flags: [level, "-fno-align-jumps", "-fno-align-loops"]).plan()
    let (before, under, behind) = try (ran("p[0]", in: plan), ran("p[1]", in: plan), ran("p[2]", in: plan))
    #expect(before.isDisjoint(with: under))
    #expect(under.isDisjoint(with: behind))
    #expect(before.isDisjoint(with: behind))
  }

  @Test("what stands behind an access that may fault does not run with it")
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

  @Test("a loop that was entered long ago is seen where it comes by")
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

  @Test("a trap, at which nobody can stop, stands for nothing else")
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
