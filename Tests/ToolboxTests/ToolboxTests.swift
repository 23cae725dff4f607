// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Toolbox

@Suite struct ToolTests {
  @Test func statusIsDataAndStreamsStayApart() async throws {
    let result = try await Tool("sh", ["-c", "echo out; echo err >&2; exit 3"]).run()
    #expect(result.status == .exited(3))
    #expect(result.output == "out\n")
    #expect(result.errors == "err\n")
    #expect(try await Tool("sh", ["-c", "kill -9 $$"]).run().status == .signaled(9))
  }

  @Test func nothingOfTheEnvironmentIsInherited() async throws {
    setenv("PATCHBENCH_TEST_LEAK", "1", 1)
    let output = try await Tool("env", []).output()
    #expect(!output.contains("PATCHBENCH_TEST_LEAK"))
    #expect(output.contains("LC_ALL=C.UTF-8"))
  }

  @Test func inputReachesTheTool() async throws {
    #expect(try await Tool("cat", []).output(input: Array("hello".utf8)) == "hello")
  }

  /// More than a pipe holds, so that the write meets a closed pipe. `git apply` ends so at the first line that it cannot
  /// read, and any tool does that is ended in the middle.
  @Test func aToolMayEndBeforeItHasReadItsInput() async throws {
    let input = [UInt8](repeating: 0x61, count: 4 << 20)
    for _ in 0..<20 {
      #expect(try await Tool("true", []).run(input: input).status == .exited(0))
      let closed = try await Tool("sh", ["-c", "exec <&-; sleep 0.01; exit 7"]).run(input: input)
      #expect(closed.status == .exited(7))
    }
  }

  @Test func cancellationWhileInputIsWrittenEndsTheTool() async throws {
    let input = [UInt8](repeating: 0x61, count: 4 << 20)
    for time in 0..<20 {
      let work = Task { try await Tool("sleep", ["3600"]).run(input: input) }
      try await Task.sleep(for: .milliseconds(time * 2))
      work.cancel()
      await #expect(throws: ToolError.cancelled) { _ = try await work.value }
    }
  }

  @Test func failuresSayWhichKindTheyAre() async throws {
    await #expect(throws: ToolError.notFound("patchbench-no-such-tool")) {
      _ = try await Tool("patchbench-no-such-tool", []).run()
    }
    let error = await #expect(throws: ToolError.self) { _ = try await Tool("false", []).output() }
    guard case .failed(_, .exited(1), _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func aDeadlineIsNoCancellationAndEndsTheWholeGroup() async throws {
    // The grandchild would survive if only its parent were killed.
    let mark = "3\(Int.random(in: 100_000...999_999))"
    let error = await #expect(throws: ToolError.self) {
      _ = try await Tool("sh", ["-c", "sleep \(mark) & wait"]).run(deadline: .milliseconds(300))
    }
    guard case .deadlineExceeded = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await !isRunning("sleep \(mark)"))
  }

  @Test func cancellationEndsTheWholeGroup() async throws {
    let mark = "3\(Int.random(in: 100_000...999_999))"
    let work = Task { try await Tool("sh", ["-c", "sleep \(mark) & wait"]).run() }
    while try await !isRunning("sleep \(mark)") { try await Task.sleep(for: .milliseconds(20)) }
    work.cancel()
    await #expect(throws: ToolError.cancelled) { _ = try await work.value }
    #expect(try await !isRunning("sleep \(mark)"))
  }

  @Test func whomAToolLeavesBehindIsEndedToo() async throws {
    let mark = "3\(Int.random(in: 100_000...999_999))"
    let result = try await Tool("sh", ["-c", "sleep \(mark) >/dev/null 2>&1 & echo $!"]).run()
    #expect(result.status == .exited(0))
    #expect(Int(result.output.dropLast()) != nil)
    #expect(try await !isRunning("sleep \(mark)"))
  }

  private func isRunning(_ command: String) async throws -> Bool {
    try await Tool("pgrep", ["-f", "^\(command)$"]).run().status.isSuccess
  }

  /// Its parent lives on in another group and does not reap it.
  @Test func theDeadWhomNobodyAsksForAreNotWaitedFor() async throws {
    let script = """
      $| = 1; my $leader = $$;
      unless (fork) {
        setpgrp(0, 0);
        unless (my $dead = fork) { setpgrp(0, $leader); exit } else { print "$$ $dead" }
        close STDOUT; close STDERR; sleep 60; exit;
      }
      select undef, undef, undef, 0.3;
      """
    let numbers = try await Tool("perl", ["-e", script]).output().split(separator: " ").compactMap { pid_t($0) }
    try #require(numbers.count == 2)
    let (dead, alive) = (try #require(ProcessStatus(numbers[1])), try #require(ProcessStatus(numbers[0])))
    #expect(dead.state == "Z" && dead.parent == numbers[0] && dead.resident == 0)
    // Perl itself has some size, but less than a guest.
    #expect(alive.isAlive && (100..<100_000).contains(alive.resident))
    kill(numbers[0], SIGKILL)
  }

  @Test func aLogGetsEveryByteAndEveryLine() async throws {
    let scratch = try Scratch()
    let log = scratch.path.appending("log")
    let lines = Locked<[String]>([])
    let status = try await Tool("sh", ["-c", "echo one; echo two >&2; printf three"]).run(
      log: log, deadline: .seconds(900)
    ) { line in lines.withLock { $0.append(String(line)) } }
    #expect(status == .exited(0))
    #expect(lines.withLock { $0 } == ["one", "two"])
    #expect(try String(contentsOfFile: log.string, encoding: .utf8) == "one\ntwo\nthree")
  }

  @Test func aLogHasAnEndAndSoHasALine() async throws {
    let scratch = try Scratch()
    let log = scratch.path.appending("log")
    await #expect(throws: ToolError.tooMuchOutput("sh", limit: 100_000)) {
      _ = try await Tool("sh", ["-c", "while :; do echo more; done"]).run(
        log: log, deadline: .seconds(900), most: 100_000
      ) { _ in }
    }
    #expect(try FileManager.default.attributesOfItem(atPath: log.string)[.size] as? Int ?? .max <= 100_000)
    let lengths = Locked<[Int]>([])
    let script = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo short"
    let status = try await Tool("sh", ["-c", script]).run(log: log, deadline: .seconds(900)) { line in
      lengths.withLock { $0.append(line.utf8.count) }
    }
    #expect(status == .exited(0))
    #expect(lengths.withLock { $0 } == [64 << 10, 5])
    #expect(try FileManager.default.attributesOfItem(atPath: log.string)[.size] as? Int == 300_007)
  }

  @Test func aLogThatCannotBeWrittenIsNotTheToolsFault() async throws {
    await #expect(throws: ToolError.cannotLog("echo", .noSpace)) {
      _ = try await Tool("echo", ["words"]).run(log: "/dev/full", deadline: .seconds(900)) { _ in }
    }
  }

  @Test(arguments: [
    (["a", "b/c-d_e.f"], "tool a b/c-d_e.f"), (["a b"], "tool 'a b'"), (["it's"], "tool 'it'\\''s'"), ([""], "tool ''"),
    (["$(x)", ";"], "tool '$(x)' ';'"),
  ])
  func commandLinesCanBePastedIntoAShell(_ row: (arguments: [String], text: String)) {
    #expect(Tool("tool", row.arguments).commandLine == row.text)
  }
}

@Suite struct FileLockTests {
  @Test func exclusiveShutsOutAndSharedDoesNot() throws {
    let scratch = try Scratch()
    let path = scratch.path.appending("lock")
    do {
      let one = try FileLock.attempt(path, .shared)
      let two = try FileLock.attempt(path, .shared)
      #expect(one != nil && two != nil)
      #expect(try FileLock.attempt(path, .exclusive) == nil)
    }
    let alone = try FileLock.attempt(path, .exclusive)
    #expect(alone != nil)
    #expect(try FileLock.attempt(path, .shared) == nil)
    _ = consume alone
    #expect(try FileLock.attempt(path, .shared) != nil)
  }
}

@Suite struct DigestTests {
  @Test func fieldsDoNotRunTogether() async throws {
    #expect(try await Digest.of(["ab", "c"]) != Digest.of(["a", "bc"]))
    #expect(try await Digest.of(["a"]) != Digest.of(["a", ""]))
  }

  @Test func aFilesDigestIsThatOfItsBytes() async throws {
    let scratch = try Scratch()
    let path = try scratch.write("file", "abc")
    // FIPS 180-2, appendix B.1
    #expect(
      try await Digest.of(file: path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}

@Suite struct ProcFileTests {
  @Test func aFileWithoutASizeIsReadWhole() throws {
    let status = try #require(ProcFile.text("/proc/self/status"))
    #expect(status.contains("Pid:\t\(getpid())\n"))
    // Longer than a single read returns.
    let zone = try #require(ProcFile.text("/proc/kallsyms"))
    #expect(zone.utf8.count > 100_000 && zone.hasSuffix("\n"))
  }

  @Test func whatIsGoneIsNil() {
    #expect(ProcFile.text("/proc/self/task/0/children") == nil)
  }

  /// Foundation's reader leaks 4 KiB each time, which is 400 MiB here; other tests run at the same time.
  @Test func readingOftenKeepsNothing() throws {
    func resident() throws -> Int {
      let pages = try #require(ProcFile.text("/proc/self/statm")).split(separator: " ")[1]
      return try #require(Int(pages)) * Int(sysconf(Int32(_SC_PAGESIZE))) >> 20
    }
    for _ in 0..<100 { _ = ProcFile.text("/proc/self/stat") }
    let before = try resident()
    for _ in 0..<100_000 { _ = ProcFile.text("/proc/self/stat") }
    #expect(try resident() - before < 200)
  }
}

@Suite struct DiskSpaceTests {
  @Test func whatHasNoEndIsPlenty() {
    #expect(DiskSpace.bytes(3, of: 4096) == 12288)
    #expect(DiskSpace.bytes(.max, of: 1) == .max)
    #expect(DiskSpace.bytes(.max, of: 4096) == .max)
    #expect((1...Int64.max - 1).contains(DiskSpace.free(at: "/")))
    #expect(DiskSpace.free(at: "/none/such") == .max)
  }
}
