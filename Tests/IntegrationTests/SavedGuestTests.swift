// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Glibc
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import TestSupport
import Testing

extension BenchSerial {
  /// A restored guest must give the same results as a booted one.
  @Suite(.serialized) struct SavedGuests {
    /// Two tests that pass on the stock kernel, one that does not, and one that unbinds the GPU from its driver.
    static let handful = GuestOptions(only: [
      "forward/virtio_gpu-to-vgem/three-aliases", "counts/system_heap-to-vgem/mmap-munmap",
      "lifetime/system_heap-to-vgem/moved", "invalidate/virtio_gpu-to-vgem/unbind",
    ])
    static let watch = GuestWatch(.standard(.tcg), clock: ContinuousClock())

    let bench: Workbench
    init() throws { bench = try Workbench() }

    private func console(_ name: String) -> FilePath { bench.scratch.path.appending("\(name).log") }
    private func results(_ name: String) -> FilePath { bench.scratch.path.appending("\(name).ktap") }

    private func spec(_ name: String, _ options: GuestOptions) async throws -> MachineSpec {
      let initramfs = bench.scratch.path.appending("\(name).cpio")
      try await Initramfs.write(
        binary: Workbench.guestBinary, to: initramfs, scratch: bench.scratch.path)
      var spec = MachineSpec(
        name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-\(name)", .host, accelerator: .tcg,
        kernel: try await bench.base().image, initramfs: initramfs, commandLine: KernelCommandLine(options, for: .host),
        console: console(name), results: results(name))
      spec.devices = try Workbench.checkout().suite.devices
      return spec
    }

    /// Saves a guest in a separate directory.
    private func withSavedGuest(
      _ body: @escaping @Sendable (LibvirtHost, SavedGuest<LibvirtHost>) async throws -> Void
    ) async throws {
      try await LibvirtHost.with(uri: nil, environment: bench.environment) { host in
        try await host.withSavedGuest(
          spec("saved", GuestOptions()), directory: bench.scratch.path.appending("states"), watch: Self.watch
        ) { try await body(host, $0) }
      }
    }

    /// What a guest found, and the time from its start to its first output, including libvirt's part.
    private struct Watched {
      var run: GuestRun
      var seconds: Double
    }

    private func watch(
      _ start: (@escaping @Sendable (LibvirtMachine) async throws -> WatchedRun) async throws -> WatchedRun
    ) async throws -> Watched {
      let begin = ContinuousClock.now
      let watched = try await start { try await Self.watch.watch($0, accelerator: .tcg) { _ in } }
      let whole = (ContinuousClock.now - begin) / .seconds(1)
      return Watched(run: watched.run, seconds: whole - (try #require(watched.tests)))
    }

    /// Restores a guest and watches it until it ends.
    private func run(
      _ name: String, _ options: GuestOptions, from saved: SavedGuest<LibvirtHost>
    ) async throws -> Watched {
      try await watch { try await saved.withMachine(options, console: console(name), results: results(name), $0) }
    }

    /// Returns what a run found, without process addresses, which are random, and without the kernel log, whose lines
    /// have times.
    private func findings(_ watched: Watched) -> GuestRun {
      var run = watched.run
      run.logs = nil
      run.seconds = nil
      for (index, test) in run.tests.enumerated() {
        run.tests[index].checks = test.checks.map {
          var check = $0
          check.detail = check.detail.replacing(/0x7[ef][0-9a-f]{10}/, with: "0x7f…")
          return check
        }
      }
      return run
    }

    /// How often the driver logs that it has bound the GPU.
    private func timesBound(_ name: String) throws -> Int {
      try String(contentsOfFile: console(name).string, encoding: .utf8).ranges(of: "Initialized virtio_gpu").count
    }

    @Test func aRestoredGuestJudgesAsABootedOne() async throws {
      try await withSavedGuest { host, saved in
        let spec = try await spec("booted", Self.handful)
        let booted = try await watch { try await host.withMachine(spec, $0) }
        #expect(booted.run.ending == .completed)
        #expect(booted.run.tests.map(\.status).sorted { $0.rawValue < $1.rawValue } == [.notOk, .notOk, .ok, .ok])

        let first = try await run("first", Self.handful, from: saved)
        let alone = try await run("alone", GuestOptions(only: [Self.handful.only[0]]), from: saved)
        let second = try await run("second", Self.handful, from: saved)
        #expect(findings(first) == findings(booted))
        #expect(findings(second) == findings(booted))
        #expect(alone.run.tests == booted.run.tests.filter { $0.name == Self.handful.only[0] })
        // The unbind test binds the GPU again, so the driver logs it a second time. This does not affect the guests
        // after it.
        #expect(try timesBound("first") == 2)
        #expect(try timesBound("alone") == 1)
        #expect(try timesBound("second") == 2)
      }
    }

    @Test func aRestoredGuestIsGoneWithItsScope() async throws {
      let name = "qemu-system.*guest=patchbench-\(ProcessInfo.processInfo.processIdentifier)-saved"
      let states = bench.scratch.path.appending("states").string
      try await withSavedGuest { _, saved in
        #expect(try await Workbench.processes(name) == [])
        try await saved.withMachine(GuestOptions(), console: console("left"), results: results("left")) { _ in
          let running = try await Workbench.processes(name)
          #expect(running.count == 1)
        }
        #expect(try await Workbench.processes(name) == [])

        // A guest is cancelled during its tests. The saved state is still good.
        let (running, continuation) = AsyncStream<Void>.makeStream()
        let task = Task {
          defer { continuation.finish() }
          _ = try await saved.withMachine(
            GuestOptions(), console: console("cancelled"), results: results("cancelled")
          ) {
            try await Self.watch.watch($0, accelerator: .tcg) { _ in continuation.yield() }
          }
        }
        for await _ in running { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await Workbench.processes(name) == [])
        #expect(
          try await run("after", GuestOptions(only: [Self.handful.only[0]]), from: saved).run.ending == .completed)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: states) == [])
    }

    @Test func aStateThatIsNoneIsRefused() async throws {
      try await withSavedGuest { _, saved in
        let states = bench.scratch.path.appending("states").string
        let directory = try #require(try FileManager.default.contentsOfDirectory(atPath: states).first)
        #expect(truncate("\(states)/\(directory)/state", 1 << 20) == 0)
        do {
          _ = try await run("broken", GuestOptions(), from: saved)
          Issue.record("it was restored")
        } catch SavedGuestError.notRestored(let error) {
          #expect(error.call == "virDomainRestoreFlags")
        }
      }
    }
  }
}
