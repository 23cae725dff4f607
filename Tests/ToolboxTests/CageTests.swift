// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import Faults

private let limits = ToolLimits(time: .seconds(120), memory: 512 << 20, processes: 64, disk: 32 << 20)

/// A shell in a cage, as a build of untrusted patches would start one.
@Suite struct CageTests {
  private func shell(
    _ script: String, in directory: FilePath, _ limits: ToolLimits = limits, reading: [FilePath] = []
  ) async throws -> ToolResult {
    // Found with separate limits: a test's limits may be too short for that on a busy machine.
    var cage = try await Cage.find(.build(jobs: 1, machine: 8 << 30))
    cage.limits = limits
    return try await cage.wrap(Tool("sh", ["-c", script]), in: directory, reading: reading).run()
  }

  @Test func theToolchainIsThereAndTheDirectoryCanBeWrittenTo() async throws {
    let scratch = try Scratch()
    try scratch.write("work/a.c", "int main(void) { return 0; }\n")
    let work = scratch.path.appending("work")
    let result = try await shell("gcc -o a a.c && ./a && awk 'BEGIN { print 6 * 7 }' && pwd", in: work)
    #expect(result.output == "42\n\(work)\n")
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(FileManager.default.fileExists(atPath: work.appending("a").string))
  }

  /// Each of these must fail in the cage, and succeed without it if that is harmless.
  @Test(arguments: [
    "cat /etc/passwd", "cat SECRET", "ls /home /root /var", "echo x > SECRET", "echo x > BESIDE/new",
    "echo x > GIVEN/new",
    "touch /usr/x", "touch /x", "touch /dev/x", "mount -t tmpfs t /tmp", "unshare --user true", "kill -0 OUTER",
    "test -e /proc/OUTER", "exec 3<>/dev/tcp/127.0.0.1/PORT", "echo > /proc/sys/kernel/printk",
    "test $(ls /sys/class/net 2>/dev/null | wc -l) -gt 0",
  ])
  func nothingElseOfTheMachineIsInReach(_ script: String) async throws {
    let scratch = try Scratch()
    try scratch.write("work/empty", "")
    let secret = try scratch.write("beside/secret", "secret")
    try scratch.write("given/file", "given")
    let listener = try Listener()
    var words = script
    for (name, value) in [
      "SECRET": secret.string, "BESIDE": scratch.path.appending("beside").string,
      "GIVEN": scratch.path.appending("given").string, "OUTER": "\(getpid())", "PORT": "\(listener.port)",
    ] { words = words.replacing(name, with: value) }
    let result = try await shell(
      "bash -c \"$0\"".replacing("$0", with: words.replacing("$", with: "\\$")), in: scratch.path.appending("work"),
      reading: [scratch.path.appending("given")])
    #expect(!result.status.isSuccess, "\(result.output)")
    #expect(!result.errors.contains("syntax error"))
    #expect(try String(contentsOfFile: secret.string, encoding: .utf8) == "secret")
    #expect(!FileManager.default.fileExists(atPath: scratch.path.pushing("beside/new").string))
  }

  /// The same commands without a cage, to show that the cage makes the difference.
  @Test(arguments: ["cat /etc/passwd", "kill -0 OUTER", "test -e /proc/OUTER", "exec 3<>/dev/tcp/127.0.0.1/PORT"])
  func withoutACageTheyAre(_ script: String) async throws {
    let listener = try Listener()
    let words = script.replacing("OUTER", with: "\(getpid())").replacing("PORT", with: "\(listener.port)")
    #expect(try await Tool("bash", ["-c", words]).run().status.isSuccess)
  }

  @Test func whatItIsGivenItCanRead() async throws {
    let scratch = try Scratch()
    let given = try scratch.write("given/file", "given")
    try scratch.write("work/empty", "")
    let result = try await shell("cat \(given)", in: scratch.path.appending("work"), reading: [given])
    #expect(result.output == "given")
  }

  @Test func tooManyProcessesAreEndedAllOfThem() async throws {
    let scratch = try Scratch()
    let mark = "4\(Int.random(in: 100_000...999_999))"
    let error = await #expect(throws: ToolError.self) {
      _ = try await shell("while :; do setsid sleep \(mark) & done", in: scratch.path)
    }
    #expect(error == .exceeded("sh", .processes(64)))
    let left = try await Tool("pgrep", ["-f", "sleep \(mark)"]).run()
    #expect(left.output.isEmpty)
  }

  @Test func tooMuchMemoryEndsIt() async throws {
    let scratch = try Scratch()
    // Each process stays below the limit of one process; together they exceed the total.
    let script = "for i in 1 2 3 4 5; do perl -e '$x = \"x\" x 150000000; sleep 30' & done; wait"
    let error = await #expect(throws: ToolError.self) { _ = try await shell(script, in: scratch.path) }
    #expect(error == .exceeded("sh", .memory(bytes: limits.memory)))
  }

  @Test func oneProcessAloneIsRefusedTheMemory() async throws {
    let scratch = try Scratch()
    let result = try await shell("perl -e '$x = \"x\" x 700000000; print length $x'", in: scratch.path)
    #expect(!result.status.isSuccess)
    #expect(result.errors.contains("Out of memory"), "\(result)")
  }

  @Test func aFullDiskIsItsOwn() async throws {
    let scratch = try Scratch()
    // A single file runs into the kernel's limit.
    let one = try await shell("head -c 100000000 /dev/zero > big; ls -s big", in: scratch.path)
    #expect(!one.errors.isEmpty)
    // Many small files do not, and the watch detects them.
    let script = "i=0; while :; do head -c 4000000 /dev/zero > f$i; i=$((i + 1)); sleep 0.05; done"
    let error = await #expect(throws: ToolError.self) { _ = try await shell(script, in: scratch.path) }
    #expect(error == .exceeded("sh", .disk(bytes: limits.disk)))
  }

  @Test func whoSaysTooMuchIsEnded() async throws {
    let scratch = try Scratch()
    let cage = try await Cage.find(.build(jobs: 1, machine: 8 << 30))
    let tool = cage.wrap(Tool("sh", ["-c", "cat /dev/zero"]), in: scratch.path)
    await #expect(throws: ToolError.exceeded("sh", .output(bytes: 1 << 20))) {
      _ = try await tool.run(log: scratch.path.appending("log"), deadline: .seconds(1), most: 1 << 20) { _ in }
    }
    await #expect(throws: ToolError.exceeded("sh", .output(bytes: outputLimit))) { _ = try await tool.run() }
  }

  @Test func itsOwnTimeComesBeforeAnyonesPatience() async throws {
    let scratch = try Scratch()
    var limits = limits
    limits.time = .seconds(4)
    let cage = try await Cage.find(.build(jobs: 1, machine: 8 << 30))
    var short = cage
    short.limits = limits
    let tool = short.wrap(Tool("sh", ["-c", "sleep 1000"]), in: scratch.path)
    await #expect(throws: ToolError.exceeded("sh", .time(seconds: 4))) {
      _ = try await tool.run(deadline: .seconds(1))
    }
  }

  @Test func whatDoesNotEndIsEnded() async throws {
    let scratch = try Scratch()
    var limits = limits
    limits.time = .seconds(3)
    let mark = "4\(Int.random(in: 100_000...999_999))"
    let error = await #expect(throws: ToolError.self) {
      _ = try await shell("trap '' TERM INT HUP; (setsid sleep \(mark) &); sleep \(mark)", in: scratch.path, limits)
    }
    #expect(error == .exceeded("sh", .time(seconds: 3)))
    #expect(try await Tool("pgrep", ["-f", "sleep \(mark)"]).run().output.isEmpty)
  }
}

@Suite struct BeneathTests {
  @Test func onlyWhatDirectoriesLeadToIsAFile() throws {
    let scratch = try Scratch()
    try scratch.write("root/dir/file", "12345")
    try scratch.write("outside/file", "x")
    let root = scratch.path.appending("root")
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: root.appending("link").string, withDestinationPath: scratch.path.pushing("outside/file").string)
    try manager.createSymbolicLink(
      atPath: root.appending("way").string, withDestinationPath: scratch.path.appending("outside").string)
    #expect(mkfifo(root.appending("pipe").string, 0o600) == 0)
    let beneath = UntrustedTree(root)
    #expect(beneath.kind(of: "dir/file") == .file(size: 5))
    #expect(beneath.kind(of: "dir") == .directory)
    #expect(beneath.kind(of: "dir/none") == .missing)
    for path in ["link", "way/file", "way", "pipe", "dir/file/x", "../outside/file", "/etc/passwd", ""] {
      #expect(beneath.kind(of: FilePath(path)) == .other, "\(path)")
    }
  }
}
