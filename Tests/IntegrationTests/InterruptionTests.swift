// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import KernelBuild
import SystemPackage
import TestSupport
import Testing
import Toolbox

extension BenchSerial {
  /// Interruptions of a run by the user, and what they leave behind.
  @Suite(.serialized) struct Interruptions {
    /// Starts the program, waits until it has reached a certain point, and sends it a signal.
    /// - Parameter further: the times from one signal to the next, if there is more than one.
    private func interrupt(
      _ bench: Workbench, with number: Int32 = SIGINT, further: [Duration] = [],
      when started: @escaping @Sendable (Int32) async throws -> Bool
    ) async throws -> ToolResult {
      let program = bench.program([
        "run", Workbench.series("candidates"), "--output", "stopped", "--fresh", "--tests", "forward/*",
        "--cache", bench.cache.root.string, "--home", Workbench.home.string,
      ])
      async let result = program.run(deadline: .seconds(900))
      let pid = try await patiently("it never reached that point") {
        guard let pid = try await Workbench.processes("^\(Workbench.program) run .*--fresh").first,
          try await started(pid)
        else { return Int32?.none }
        return pid
      }
      #expect(kill(pid, number) == 0)
      for time in further {
        try await Task.sleep(for: time)
        kill(pid, number)
      }
      return try await result
    }

    /// Whether a name in the cache belongs to another live run. The cache is the user's, and other runs may be using
    /// it. Names begin with the process id of their owner.
    private func isOfAnotherLiveRun(_ name: String) -> Bool {
      guard let owner = Int32(name.prefix { $0.isNumber }) else { return false }
      return owner != getpid() && kill(owner, 0) == 0
    }

    private func nothingIsLeft(of bench: Workbench) async throws {
      #expect(try await Workbench.processes("^\(Workbench.program) run .*--fresh") == [])
      let place = bench.cache.root.appending("work")
      let work = try FileManager.default.contentsOfDirectory(atPath: place.string)
      #expect(work.filter { !isOfAnotherLiveRun($0) } == [])
      let mounts = try #require(ProcFile.text("/proc/self/mounts")).split(separator: "\n")
      #expect(
        mounts.filter { line in
          guard let path = line.firstRange(of: place.string + "/") else { return false }
          return !isOfAnotherLiveRun(String(line[path.upperBound...]))
        } == [])
    }

    @Test func aSignalWhileAGuestRunsEndsItAndKeepsWhatWasFinished() async throws {
      let bench = try Workbench()
      let guests = Seen()
      let result = try await interrupt(bench) { pid in
        // Two guests may run at once. If there is a third, one has completed, and there is something to keep.
        try await guests.add(Workbench.processes("qemu-system.*guest=patchbench-\(pid)-")) >= 3
      }
      #expect(result.status == .exited(3), "\(result.errors)")
      #expect(result.errors.hasSuffix("`patchbench resume stopped` continues with the rest\n"), "\(result.errors)")
      for guest in await guests.all { #expect(kill(guest, 0) != 0, "guest \(guest) is still running") }
      try await nothingIsLeft(of: bench)
      let report = try String(
        contentsOfFile: bench.scratch.path.pushing(FilePath("stopped/report.json")).string, encoding: .utf8)
      #expect(report.contains("\"not-run\""))
      #expect(
        FileManager.default.fileExists(atPath: bench.scratch.path.pushing(FilePath("stopped/report.html")).string))
    }

    /// As timeout(1) sends it: to the program, and then to its process group.
    @Test func aSignalThatComesTwiceAtOnceIsOne() async throws {
      let bench = try Workbench()
      let guests = Seen()
      let result = try await interrupt(bench, with: SIGTERM, further: [.milliseconds(20)]) { pid in
        try await guests.add(Workbench.processes("qemu-system.*guest=patchbench-\(pid)-")) >= 1
      }
      #expect(result.status == .exited(3), "\(result.errors)")
      for guest in await guests.all { #expect(kill(guest, 0) != 0, "guest \(guest) is still running") }
      try await nothingIsLeft(of: bench)
    }

    @Test func aRepeatedSignalKillsTheGuestsAtOnce() async throws {
      let bench = try Workbench()
      let guests = Seen()
      let result = try await interrupt(bench, further: [.milliseconds(1500)]) { pid in
        let found = try await Workbench.processes("qemu-system.*guest=patchbench-\(pid)-")
        // libvirt asks a guest to end, and waits seconds for one that does not answer before it kills it.
        for guest in found { kill(guest, SIGSTOP) }
        return await guests.add(found) >= 1
      }
      #expect(result.status == .exited(130), "\(result.errors)")
      // Nothing else kills a stopped guest, but init may take a moment to reap it.
      let all = await guests.all
      _ = try await patiently("a guest is still there") { all.allSatisfy { kill($0, 0) != 0 } ? true : nil }
    }

    private static let fix = Workbench.series("candidates/virtio-gpu-share-address-space")

    private func judge(_ bench: Workbench, output: String, fresh: Bool) -> Tool {
      bench.program(
        [
          "run", Self.fix, "--json", "--output", output, "--tests", "*/virtio_gpu-to-vgem/*", "--retries",
          "0", "--cache", bench.cache.root.string, "--home", Workbench.home.string,
        ] + (fresh ? ["--fresh"] : []))
    }

    @Test func whatAKilledBuildLeftSpoilsNoLaterVerdict() async throws {
      let bench = try Workbench()
      async let killed = judge(bench, output: "killed", fresh: true).run(deadline: .seconds(900))
      let (pid, makes) = try await patiently("no build was started") {
        guard let pid = try await Workbench.processes("^\(Workbench.program) run .*--output killed").first else {
          return (Int32, [Int32])?.none
        }
        // This make runs in its cage, so it is not a direct child of the program. The make for the base's side of a
        // comparison is.
        let makes = Set(Workbench.descendants(of: pid, named: "make"))
          .subtracting(try await Workbench.processes("-P", "\(pid)", "-x", "make"))
        if makes.isEmpty { return nil }
        kill(pid, SIGKILL)
        return (pid, Array(makes))
      }
      #expect(try await killed.status == .signaled(9))
      #expect(kill(pid, 0) != 0)
      // A cage ends together with its patchbench.
      _ = try await patiently("a build outlived its patchbench") { makes.allSatisfy { kill($0, 0) != 0 } ? true : nil }
      let again = try await judge(bench, output: "again", fresh: true).run(deadline: .seconds(900))
      #expect(again.status == .exited(0), "\(again.errors)")
      #expect(again.output.contains("\"verdict\":\"fixes\""))
      try await nothingIsLeft(of: bench)
    }

    @Test func twoRunsAtOnceShareOneCache() async throws {
      let bench = try Workbench()
      async let one = judge(bench, output: "one", fresh: true).run(deadline: .seconds(600))
      async let two = judge(bench, output: "two", fresh: true).run(deadline: .seconds(600))
      for result in try await [one, two] {
        #expect(result.status == .exited(0), "\(result.errors)")
        #expect(result.output.contains("\"verdict\":\"fixes\""))
        #expect(result.output.contains("\"reused\":false"))
      }
      // Both runs have cached the same result, and it is complete.
      let third = try await judge(bench, output: "three", fresh: false).run(deadline: .seconds(900))
      #expect(third.output.contains("\"verdict\":\"fixes\""))
      #expect(!third.output.contains("\"reused\":false"))
      try await nothingIsLeft(of: bench)
    }

    @Test func aSignalWhileAKernelIsBuiltEndsItsCompilers() async throws {
      let bench = try Workbench()
      let builds = Seen()
      // Other processes may build kernels here too.
      let result = try await interrupt(bench) { pid in
        await builds.add(Workbench.descendants(of: pid, named: "make")) >= 1
      }
      #expect(result.status == .exited(3), "\(result.errors)")
      // init may take a moment to reap a make that another make had started.
      let all = await builds.all
      _ = try await patiently("a make is still there") { all.allSatisfy { kill($0, 0) != 0 } ? true : nil }
      try await nothingIsLeft(of: bench)
    }
  }
}

/// The process ids of all guests that were seen.
private actor Seen {
  private(set) var all: Set<Int32> = []

  func add(_ more: [Int32]) -> Int {
    all.formUnion(more)
    return all.count
  }
}
