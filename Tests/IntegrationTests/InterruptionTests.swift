import BenchModel
import Foundation
import Glibc
import KernelBuild
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// What a user can do to a run, and what is left behind.
  @Suite(.serialized) struct Interruptions {
    /// Starts the program, waits until it has come far enough, and sends it a signal.
    private func interrupt(
      _ bench: Workbench, when started: @escaping @Sendable (Int32) async throws -> Bool
    ) async throws -> ToolResult {
      let program = bench.program([
        "run", Workbench.series("candidates"), "--output", "stopped", "--fresh", "--cache", bench.cache.root.string,
        "--home", Workbench.home.string,
      ])
      async let result = program.run(deadline: .seconds(300))
      let pid = try await patiently("it never came so far") {
        guard let pid = try await Workbench.processes("^\(Workbench.program) run .*--fresh").first,
          try await started(pid)
        else { return Int32?.none }
        return pid
      }
      #expect(kill(pid, SIGINT) == 0)
      return try await result
    }

    private func nothingIsLeft(of bench: Workbench) async throws {
      #expect(try await Workbench.processes("^\(Workbench.program) run .*--fresh") == [])
      let work = try FileManager.default.contentsOfDirectory(atPath: bench.cache.root.appending("work").string)
      #expect(work == [])
      #expect(try !String(contentsOfFile: "/proc/self/mounts", encoding: .utf8).contains(bench.cache.root.string))
    }

    @Test func aSignalWhileAGuestRunsEndsItAndKeepsWhatWasFinished() async throws {
      let bench = try Workbench()
      let guests = Seen()
      let result = try await interrupt(bench) { pid in
        // The second guest is the first series': the base is finished by then.
        try await guests.add(Workbench.processes("qemu-system.*guest=patchbench-\(pid)-")) >= 2
      }
      #expect(result.status == .exited(3))
      for guest in await guests.all { #expect(kill(guest, 0) != 0, "guest \(guest) is still there") }
      try await nothingIsLeft(of: bench)
      let report = try String(
        contentsOfFile: bench.scratch.path.pushing(FilePath("stopped/report.json")).string, encoding: .utf8)
      #expect(report.contains("\"not-run\""))
      #expect(
        FileManager.default.fileExists(atPath: bench.scratch.path.pushing(FilePath("stopped/report.html")).string))
    }

    @Test func aSignalWhileAKernelIsBuiltEndsItsCompilers() async throws {
      let bench = try Workbench()
      let builds = Seen()
      // make is the program's own child, and leads the group of its compilers. Others may build kernels here too.
      let result = try await interrupt(bench) { pid in
        try await builds.add(Workbench.processes("-P", "\(pid)", "-x", "make")) >= 1
      }
      #expect(result.status == .exited(3))
      for group in await builds.all { #expect(try await Workbench.processes("-g", "\(group)") == []) }
      try await nothingIsLeft(of: bench)
    }
  }
}

/// The process numbers of all that were seen.
private actor Seen {
  private(set) var all: Set<Int32> = []

  func add(_ more: [Int32]) -> Int {
    all.formUnion(more)
    return all.count
  }
}
