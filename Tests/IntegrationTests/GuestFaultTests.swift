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
import Toolbox

extension BenchSerial {
  /// Faults of real guests, as seen through libvirt.
  @Suite(.serialized) struct GuestFaults {
    /// Boots the base's kernel, and does something to its QEMU as soon as the guest has said hello.
    private func watch(
      _ clocks: GuestClocks, memory: FilePath? = nil, afterHello act: @escaping @Sendable (Int32) -> Void
    ) async throws -> GuestRun {
      let bench = try Workbench()
      let base = try await bench.base()
      let initramfs = bench.scratch.path.appending("initramfs.cpio")
      try await Initramfs.write(
        binary: Workbench.guestBinary, to: initramfs, scratch: bench.scratch.path)
      let name = "patchbench-\(ProcessInfo.processInfo.processIdentifier)-fault"
      var spec = MachineSpec(
        name: name, .host, accelerator: .tcg, kernel: base.image, initramfs: initramfs,
        commandLine: KernelCommandLine(GuestOptions(), for: .host),
        console: bench.scratch.path.appending("console.log"),
        results: bench.scratch.path.appending("results.ktap"))
      spec.devices = try Workbench.checkout().suite.devices
      return try await LibvirtHost.with(uri: nil, environment: bench.environment) { [spec] host in
        try await host.withMachine(spec) { machine in
          let pid = try #require(try await Workbench.processes("qemu-system.*guest=\(name)").first)
          let run = try await GuestWatch(clocks, clock: ContinuousClock(), memory: memory).watch(
            machine, accelerator: .tcg
          ) {
            if $0 == .booted { act(pid) }
          }.run
          return run
        }
      }
    }

    /// SIGTERM lets QEMU end in an orderly way, as if the guest had powered itself off.
    @Test(arguments: [SIGKILL, SIGTERM]) func aKilledEmulatorIsNotTheKernelsFault(_ signal: Int32) async throws {
      let run = try await watch(.standard(.tcg)) { kill($0, signal) }
      guard case .machineDied = run.ending else {
        Issue.record("\(run.ending)")
        return
      }
      #expect(run.tests.contains { $0.status == .missing })
    }

    @Test func theMemoryOfAGuestThatHangsIsKept() async throws {
      let scratch = try Scratch()
      let file = scratch.path.appending("vmcore")
      let clocks = GuestClocks(boot: .seconds(90), silence: .seconds(90), run: .seconds(4))
      let run = try await watch(clocks, memory: file) { _ in }
      #expect(run.ending == .runDeadline(seconds: 4))
      #expect(run.anomalies == [])
      let core = try Data(contentsOf: URL(filePath: file.string), options: .mappedIfSafe)
      #expect(core.starts(with: [0x7f, 0x45, 0x4c, 0x46]))
      #expect(core.count > MachineSpec.standardMemory << 20)
      // The text of `linux_banner`.
      #expect(core.range(of: Data("Linux version \(try #require(run.release))".utf8)) != nil)
    }

    @Test func aStoppedEmulatorIsFoundByItsSilenceAndIsNotTheKernelsFault() async throws {
      let clocks = GuestClocks(boot: .seconds(90), silence: .seconds(8), run: .seconds(300))
      let run = try await watch(clocks) { kill($0, SIGSTOP) }
      #expect(run.ending == .machineDied("the emulator itself does not answer"))
      #expect(run.tests.contains { $0.status == .missing })
    }

    @Test func whatAKilledRunLeftIsEndedByTheNext() async throws {
      let bench = try Workbench()
      let program = bench.program([
        "run", Workbench.series("candidates/virtio-gpu-share-address-space"), "--output", "killed", "--fresh",
        "--cache",
        bench.cache.root.string, "--home", Workbench.home.string,
      ])
      async let result = program.run(deadline: .seconds(300))
      let (killed, orphan) = try await patiently("no guest was started") {
        guard let pid = try await Workbench.processes("^\(Workbench.program) run .*--output killed").first,
          let guest = try await Workbench.processes("qemu-system.*guest=patchbench-\(pid)-").first
        else { return (Int32, Int32)?.none }
        kill(pid, SIGKILL)
        return (pid, guest)
      }
      #expect(try await result.status == .signaled(9))
      // A separate process, because this one may already have a libvirt directory.
      let doctor = try await bench.program(["doctor", "--home", Workbench.home.string]).run()
      #expect(doctor.status == .exited(0), "\(doctor.output)")
      var alive = true
      for _ in 0..<100 where alive {
        alive = kill(orphan, 0) == 0
        if alive { try await Task.sleep(for: .milliseconds(100)) }
      }
      #expect(!alive, "the orphan was not reaped")
      let files = try await Tool("find", ["/tmp/patchbench-root", "-name", "guest-patchbench-\(killed)-*"]).run().output
      #expect(files == "", "the orphan's files are still there")
      await bench.cache.sweep()
      // Other runs may be using it.
      let left = try FileManager.default.contentsOfDirectory(atPath: bench.cache.root.appending("work").string)
      #expect(left.filter { $0.hasPrefix("\(killed)-") } == [])
    }
  }
}
