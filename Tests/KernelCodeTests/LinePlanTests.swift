// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Testing

@testable import KernelCode

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

@Suite("The positions of a series' lines in its image")
struct LinePlanTests {
  private let mapping: Compiled

  init() throws { mapping = try Compiled(buffer) }

  @Test("each line that does something is watched, with the outcomes of its conditions")
  func watched() throws {
    #expect(try mapping.watch("buffer = alloc").ways.isEmpty)
    let condition = try mapping.watch("if (!buffer)")
    #expect(condition.ways.map(\.words) == ["to line 13", "to line 16"])
    // One jump, taken one way and not taken the other.
    #expect(Set(condition.ways.flatMap(\.sights).map(\.probe)).count == 1)
    #expect(condition.ways.flatMap(\.sights).map { $0.taken ?? false }.sorted { !$0 && $1 } == [false, true])
    let two = try mapping.watch("if (flags & 1")
    #expect(Set(two.ways.map(\.words)) == ["to line 17", "to line 21"])
    for text in ["ret = -12", "goto out", "goto unmap", "ret = -5", "return 0", "put(buffer)", "return ret"] {
      let watch = try mapping.watch(text)
      #expect(!watch.ran.isEmpty || !watch.ways.isEmpty, "\(text)")
    }
  }

  @Test("an error path is not proven by code that it shares with others")
  func ownPath() throws {
    // Only the failed allocation leads there, not the rejected size, which ends in the same place.
    let lost = Set(try mapping.watch("ret = -12").ran)
    #expect(lost.isDisjoint(with: try mapping.watch("return -22").ran))
    #expect(lost.isDisjoint(with: try mapping.watch("ret = -5").ran))
    #expect(lost.isDisjoint(with: try mapping.watch("buffer = alloc").ran))
  }

  @Test("declarations, braces, labels and blank lines are not watched")
  func noCode() throws {
    for text in ["int ret;", "void *buffer;", "out:", "} else {"] {
      #expect(try mapping.place(text) == .noCode, "\(text)")
    }
  }

  @Test("the other lines of a statement count with its first")
  func statement() throws {
    #expect(try mapping.watch("\t\tbuffer);").ran == mapping.watch("count += get(").ran)
  }

  @Test("a function whose code did not change is not watched")
  func sameCode() throws {
    #expect(try mapping.place("buffer = alloc", differing: ["other"]) == .sameCode)
    #expect(try mapping.place("buffer = alloc", differing: ["map", "other"]) != .sameCode)
  }

  @Test("code that the preprocessor drops is reported with its condition")
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

  @Test("code that the compiler drops is not confused with lines that need no code")
  func dropped() throws {
    let compiled = try Compiled(
      "void log(int);\nint f(int x)\n{\n\tif (0)\n\t\tlog(x);\n\treturn x + 1;\n}\n")
    #expect(try compiled.place("log(x)") == .notCompiled("the compiler drops it in this configuration"))
    #expect(try compiled.place("void log") == .declaration)
    if case .watched = try compiled.place("return x + 1") {} else { Issue.record("it is compiled") }
  }

  @Test("a constant loaded before its condition does not show that its line ran")
  func hoisted() throws {
    // `ret = 1` becomes a conditional move, with a load before it.
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

  @Test("code on an outcome that the compiler proved impossible does not count as run with the others")
  func impossible() throws {
    // As in dma_heap_ioctl(): a table with one call, and a switch over its entries.
    let compiled = try Compiled(
      """
      static unsigned calls[] = { 7 };
      int make(int *); void take(int);
      int ioctl(unsigned nr, int *data)
      {
      	unsigned call;
      	int ret = 0;
      	if (nr >= 1)
      		return -22;
      	call = calls[nr];
      	if (data[0] > 4)
      		take(1);
      	switch (call) {
      	case 7:
      		take(make(data));
      		break;
      	default:
      		ret = -25;
      		goto out;
      	}
      out:
      	take(3);
      	return ret;
      }
      """)
    if case .watched(let watch) = try compiled.place("ret = -25") {
      Issue.record("seen by \(watch), although it cannot be reached")
    }
    if case .watched = try compiled.place("take(make(data))") {} else { Issue.record("that one runs") }
  }

  @Test("an inlined condition is seen by its jumps, wherever its caller continues")
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

  @Test("if lines are only removed, the code that now follows has to run")
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
    // A replaced line asks for the new line, not for the one after it.
    var replaced = hunk
    replaced.lines.insert(DiffLine(kind: .added, number: 12, text: "\tif (!buffer) {"), at: 2)
    replaced.lines.remove(at: 3)
    let other = LinePlan(
      diff: [DiffFile(path: "a.c", hunks: [replaced])],
      files: ["a.c": LinePlan.File(source: Array(buffer.utf8), differing: nil)], objects: [mapping.object])
    #expect(other.lines.map(\.number) == [12])
    #expect(other.lines.first?.follows == false)
  }

  /// Returns the line that is checked where a source lost some lines.
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

  @Test("code removed from under a disabled option was not compiled, whatever follows")
  func removedFromOption() throws {
    for text in ["log(-x)", "#endif"] {
      let lines = try lost(["\tlog(7);"], before: text, of: optional)
      #expect(lines.map(\.place) == [.notCompiled("#ifdef CONFIG_OFF")], "before \(text)")
      #expect(lines.map(\.follows) == [true])
    }
  }

  @Test("for code removed before a disabled option, the compiled code after it is watched")
  func removedBeforeOption() throws {
    let lines = try lost(["\tlog(7);"], before: "#ifdef CONFIG_OFF", of: optional)
    #expect(lines.map(\.text) == ["\tlog(x + 1);"])
    guard case .watched = lines.first?.place else {
      Issue.record("\(lines)")
      return
    }
  }

  @Test("code removed with its option, or leaving it empty, without a difference, was not compiled")
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
    // If the option made a difference, the code was compiled, and the code after it has to run.
    let differs = try lost(whole, before: "return x", of: optional, differing: ["f"])
    guard case .watched = differs.first?.place else {
      Issue.record("\(differs)")
      return
    }
  }

  @Test("for an option added around code, the code that it drops and the code after it are watched")
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

  @Test("for code replaced by a comment, the code after it is watched; for a removed comment, nothing")
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

  @Test("an object that was not examined says nothing")
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
