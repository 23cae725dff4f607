// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelText
import Testing

@Suite struct CompilerOutputTests {
  @Test(arguments: Fixture.all("build"))
  func saysWhatItsHeaderSays(_ fixture: Fixture) {
    let found = CompilerOutput.diagnostics(in: fixture.body, tree: "/src/linux").map(words)
    #expect(found == fixture.values("error"))
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var line: String
    var expected: String?
    var testDescription: String { line }

    init(_ line: String, _ expected: String?) {
      self.line = line
      self.expected = expected
    }
  }

  @Test(arguments: [
    Case("/src/linux/fs/x.c:12:3: error: no", "fs/x.c | 12 | no"),
    Case("./include/linux/x.h:12: error: no", "include/linux/x.h | 12 | no"),
    Case("fs/x.c:12:3: fatal error: y.h: No such file", "fs/x.c | 12 | y.h: No such file"),
    Case("fs/x.c:12:3: warning: unused variable [-Wunused]", nil),
    Case("fs/x.c:12:3: note: expected int", nil),
    Case(
      "arch/x86/entry.S:12: Error: no such instruction: `foo'", "arch/x86/entry.S | 12 | no such instruction: `foo'"),
    Case("ERROR: modpost: \"f\" [fs/x.ko] undefined!", "- | - | \"f\" [fs/x.ko] undefined!"),
    Case("WARNING: modpost: missing MODULE_DESCRIPTION() in fs/x.o", nil),
    Case("fs/x.o: error: objtool: f+0x1: unreachable", "- | - | objtool: f+0x1: unreachable"),
    Case("fs/x.o: warning: objtool: f+0x1: unreachable", nil),
    Case("ld: fs/x.o:(.data+0x8): undefined reference to `g'", "fs/x.c | - | undefined reference to `g'"),
    Case("ld: /src/linux/fs/x.c:12: undefined reference to `g'", "fs/x.c | - | undefined reference to `g'"),
    Case("ld.lld: error: undefined symbol: g", "- | - | undefined symbol: g"),
    Case("init/Kconfig:12:warning: config symbol defined without type", nil),
    Case("init/Kconfig:12: can't open file \"x\"", "init/Kconfig | 12 | can't open file \"x\""),
    Case("fs/Makefile:3: *** missing separator.  Stop.", "fs/Makefile | 3 | missing separator.  Stop."),
    Case("cc1: all warnings being treated as errors", nil),
    Case("cc1: error: unrecognized option", "- | - | unrecognized option"),
    Case("gcc: fatal error: Killed signal terminated program cc1", "- | - | Killed signal terminated program cc1"),
    Case(
      "make[3]: *** [scripts/Makefile.build:229: fs/x.o] Error 1",
      "- | - | [scripts/Makefile.build:229: fs/x.o] Error 1"),
    Case("make: *** Waiting for unfinished jobs....", nil), Case("  CC      fs/error.o", nil), Case("", nil),
  ])
  func reads(_ one: Case) {
    let found = CompilerOutput.diagnostics(in: one.line.utf8, tree: "/src/linux/").map(words)
    #expect(found == (one.expected.map { [$0] } ?? []))
  }

  @Test(arguments: [
    Case("fs/x.c:12:3: warning: unused variable 'a' [-Wunused]", "fs/x.c | 12 | unused variable 'a' [-Wunused]"),
    Case("/src/linux/fs/x.c:12: warning: no", "fs/x.c | 12 | no"), Case("fs/x.c:12:3: error: no", nil),
    Case("init/Kconfig:12:warning: config symbol without type", "init/Kconfig | 12 | config symbol without type"),
    Case(
      "WARNING: modpost: missing MODULE_DESCRIPTION() in fs/x.o",
      "- | - | modpost: missing MODULE_DESCRIPTION() in fs/x.o"),
    Case("fs/x.o: warning: objtool: f+0x1a: unreachable", "fs/x.c | - | objtool: f: unreachable"),
    Case("vmlinux.o: warning: objtool: f+0x1a: unreachable", "- | - | objtool: f: unreachable"),
    Case("fs/x.c: In function 'f':", nil), Case("", nil),
  ])
  func readsWarnings(_ one: Case) {
    let found = CompilerOutput.warnings(in: one.line.utf8, tree: "/src/linux/").map(words)
    #expect(found == (one.expected.map { [$0] } ?? []))
  }

  @Test func aWarningThatTheBaseHasIsNotNewWhereverItMovedTo() {
    func warning(_ line: Int, _ message: String = "unused") -> Diagnostic {
      Diagnostic(file: "fs/x.c", line: line, message: message)
    }
    let base = [warning(10), warning(10, "other"), Diagnostic(file: "fs/y.c", line: 3, message: "unused")]
    let series = [warning(8), warning(14), warning(14, "third")]
    #expect(CompilerOutput.added(series, to: base) { $1 == 8 } == [warning(8), warning(14, "third")])
    #expect(CompilerOutput.added(series, to: base) { $1 == 14 } == [warning(14), warning(14, "third")])
    #expect(CompilerOutput.added(base, to: base) { _, _ in true } == [])
  }

  @Test func stopsAtTheLimitAndCountsEachOnce() {
    let log = (0..<50).map { "fs/x.c:\($0 / 2):1: error: no\n" }.joined()
    #expect(CompilerOutput.diagnostics(in: log.utf8, limit: 3).map(\.line) == [0, 1, 2])
  }

  @Test func blamesTheLastPatchThatTouchesTheFile() {
    func patch(_ file: String, _ paths: [String]) -> Patch {
      Patch(subject: "", author: "", file: file, paths: paths)
    }
    let patches = [patch("1", ["fs/x.c", "fs/y.c"]), patch("2", ["fs/x.c"]), patch("3", ["fs/z.c"])]
    let messages = [
      ("fs/x.c", "no"), ("fs/y.c", "no"), ("fs/w.c", "no"), (nil, "no"), ("fs/w.c", "first defined in fs/z.c"),
    ]
    let blamed = CompilerOutput.blame(
      messages.map { Diagnostic(file: $0.0, line: 1, message: $0.1) }, on: patches)
    #expect(blamed.map(\.patch) == ["2", "1", nil, nil, "3"])
  }

  private func words(_ one: Diagnostic) -> String {
    "\(one.file ?? "-") | \(one.line.map(String.init) ?? "-") | \(one.message)"
  }
}

@Suite struct GitApplyTests {
  @Test(arguments: Fixture.all("apply"))
  func saysWhatItsHeaderSays(_ fixture: Fixture) throws {
    let (output, patch) = try parts(fixture)
    let refusal = try #require(GitApply.refusal(in: output, patch: patch))
    #expect(refusal.message == fixture.values("message").first)
    #expect(refusal.file ?? "-" == fixture.values("file").first)
    #expect(refusal.hunk.map(String.init) ?? "-" == fixture.values("hunk").first)
  }

  @Test func theSearchedTextIsNotTheReason() {
    let output = "error: while searching for:\nerror: /* a label */\n\nerror: patch failed: a.c:3\n"
    let refusal = GitApply.refusal(in: output.utf8, patch: "".utf8)
    #expect(refusal == GitApply.Refusal(file: "a.c", hunk: nil, message: "patch failed: a.c:3"))
  }

  /// The removed line `-- a/x` looks like a file header.
  @Test func aHunkIsNoHeader() {
    let patch = "--- a/f\n+++ b/f\n@@ -1,2 +1 @@\n--- a/g\n line\n@@ -9 +8 @@\n-x\n+y\n"
    let refusal = GitApply.refusal(in: "error: patch failed: f:9\n".utf8, patch: patch.utf8)
    #expect(refusal?.hunk == 2)
  }

  @Test(arguments: [
    "", "Checking patch a.c...\nApplied patch a.c cleanly.\n", "warning: 1 line adds whitespace errors.\n",
  ])
  func noErrorIsNoRefusal(_ output: String) {
    #expect(GitApply.refusal(in: output.utf8, patch: "".utf8) == nil)
  }

  @Test(arguments: [
    ("fatal: git diff header lacks filename", "git diff header lacks filename"),
    ("error: patch with only garbage at line 3", "patch with only garbage at line 3"),
    ("warning: x\nerror: a.c: wrong type\nfatal: y", "a.c: wrong type"),
  ])
  func anyErrorIsARefusal(_ output: String, _ message: String) {
    #expect(GitApply.refusal(in: output.utf8, patch: "@@ -1".utf8)?.message == message)
  }

  private func parts(_ fixture: Fixture) throws -> (output: [UInt8], patch: [UInt8]) {
    let marker = Array("--- patch\n".utf8)
    let cut = try #require(
      fixture.body.indices.first { fixture.body[$0...].starts(with: marker) })
    return (Array(fixture.body[..<cut]), Array(fixture.body[(cut + marker.count)...]))
  }
}
