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
  /// What a real guest can do to the host.
  @Suite(.serialized) struct GuestCage {
    let bench: Workbench
    init() throws { bench = try Workbench() }

    private var console: FilePath { bench.scratch.path.appending("console.log") }
    private var results: FilePath { bench.scratch.path.appending("results.ktap") }

    /// Returns a machine with the base's kernel, whose init is busybox with a script.
    private func spec(_ name: String, script: String) async throws -> MachineSpec {
      let root = bench.scratch.path.appending("root")
      for directory in ["bin", "dev", "sys"] {
        try FileManager.default.createDirectory(
          atPath: root.appending(directory).string, withIntermediateDirectories: true)
      }
      try FileManager.default.copyItem(
        atPath: "/bin/busybox", toPath: root.appending("bin").appending("busybox").string)
      let prepared = """
        B=/bin/busybox
        $B mount -t devtmpfs dev /dev
        $B mount -t sysfs sys /sys
        for p in /sys/class/virtio-ports/*; do
          [ "$($B cat $p/name)" = \(MachineSpec.resultsPort) ] && port=/dev/${p##*/}
        done
        \(script)
        $B reboot -f

        """
      try bench.scratch.write("root/rc", prepared)
      let initramfs = bench.scratch.path.appending("initramfs.cpio")
      let names = ["bin", "bin/busybox", "dev", "sys", "rc"]
      _ = try await Tool("cpio", ["--create", "--format=newc", "--quiet", "-F", initramfs.string], in: root)
        .output(input: Array((names.joined(separator: "\n") + "\n").utf8))
      return MachineSpec(
        name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-\(name)", .host, accelerator: .tcg,
        kernel: try await bench.base().image, initramfs: initramfs, commandLine: .shell(for: .host), console: console,
        results: results)
    }

    private func size(_ file: FilePath) throws -> Int {
      try #require(try FileManager.default.attributesOfItem(atPath: file.string)[.size] as? Int)
    }

    /// Whether another user can read a file.
    private func canRead(_ path: FilePath, as user: String) async throws -> Bool {
      try await Tool(
        "setpriv",
        ["--reuid", user, "--regid", user, "--init-groups", "head", "-c", "1", "--", path.string]
      ).run().status.isSuccess
    }

    @Test("libvirt asks QEMU for its capabilities once, not for each guest")
    func questions() async throws {
      let spec = try await spec("questions", script: "")
      try await LibvirtHost.with(uri: nil, environment: bench.environment) { host in
        func answers() async throws -> [String: Date] {
          try await host.withMachine(spec) { machine in for await _ in machine.signals {} }
          let place = try EmbeddedRoot.take(environment: bench.environment).path.pushing("cache/qemu/capabilities")
          return try Dictionary(
            uniqueKeysWithValues: FileManager.default.contentsOfDirectory(atPath: place.string).map { name in
              let file = try FileManager.default.attributesOfItem(atPath: place.appending(name).string)
              return (name, try #require(file[.modificationDate] as? Date))
            })
        }
        let first = try await answers()
        #expect(!first.isEmpty)
        #expect(try await answers() == first)
      }
    }

    /// libvirt has room for about twenty registrations of its embedded driver.
    @Test func aProcessMayConnectAnyNumberOfTimes() async throws {
      for _ in 0..<30 {
        try await LibvirtHost.with(uri: nil, environment: bench.environment) { host in
          let version = try await host.version()
          #expect(version.contains("."))
        }
      }
    }

    @Test("QEMU has no network, no privileges, limited resources, and access to nothing but its own files")
    func cage() async throws {
      let spec = try await spec("cage", script: "while :; do :; done")
      let secret = bench.scratch.path.appending("secret")
      try bench.scratch.write("secret", "x")
      #expect(chmod(secret.string, 0o600) == 0)
      // The guest needs no access to the original of its initramfs.
      #expect(chmod(spec.initramfs.string, 0o600) == 0)
      try await LibvirtHost.with(uri: nil, environment: bench.environment) { host in
        try await host.withMachine(spec) { _ in
          let pid = try #require(try await Workbench.processes("qemu-system.*guest=\(spec.name)").first)
          let words = try #require(ProcFile.text("/proc/\(pid)/cmdline")).split(separator: "\0").map(String.init)
          for word in words {
            for device in ["-net", "netdev", "virtio-net", "e1000", "virtio-9p", "vhost", "fsdev"] {
              #expect(!word.contains(device), "\(word)")
            }
          }
          #expect(!words.joined(separator: " ").contains(bench.scratch.path.string))
          let status = fields(of: try #require(ProcFile.text("/proc/\(pid)/status")))
          #expect(status["Seccomp"] == "2")
          // Apart from those for kernel threads, these are the limits that matter; the others are the host's own.
          let limits = try #require(ProcFile.text("/proc/\(pid)/limits")).split(separator: "\n")
          for (name, most) in [
            ("Max address space", (512 + 3072) << 20), ("Max file size", (512 + 1024) << 20), ("Max core file size", 0),
            ("Max open files", 1024), ("Max cpu time", 86400),
          ] {
            let line = try #require(limits.first { $0.hasPrefix(name) })
            #expect(line.dropFirst(26).split(separator: " ").prefix(2).map { Int($0) } == [most, most], "\(line)")
          }
          if getuid() != 0 { return }

          let user = "libvirt-qemu"
          let id = try await Tool("id", ["-u", user]).output().trimmingCharacters(in: .whitespacesAndNewlines)
          #expect(status["Uid"]?.split(separator: "\t").map(String.init) == [id, id, id, id])
          for kind in ["CapPrm", "CapEff", "CapInh", "CapAmb"] { #expect(status[kind] == "0000000000000000") }
          let kernel = try #require(words.firstIndex(of: "-kernel").map { FilePath(words[$0 + 1]) })
          #expect(try await canRead(kernel, as: user))
          #expect(try await canRead(kernel.removingLastComponent().appending("initramfs"), as: user))
          #expect(try await !canRead(kernel, as: "nobody"))
          #expect(try await !canRead(kernel.removingLastComponent().appending("initramfs"), as: "nobody"))
          #expect(try await !canRead(secret, as: user))
          #expect(try await !canRead(spec.initramfs, as: user))
          for path in [console, results, bench.scratch.path, kernel.removingLastComponent()] {
            let test = Tool("setpriv", ["--reuid", user, "--regid", user, "--init-groups", "test", "-w", path.string])
            #expect(try await !test.run().status.isSuccess, "\(path)")
          }
        }
      }
      let place = "guest-\(spec.name)"
      #expect(try await Tool("find", ["/tmp/patchbench-root", "-name", place]).run().output == "")
    }

    private func fields(of status: String) -> [String: String] {
      Dictionary(
        status.split(separator: "\n").compactMap { line in
          line.firstIndex(of: ":").map { (String(line[..<$0]), String(line[$0...].dropFirst().drop { $0 == "\t" })) }
        }, uniquingKeysWith: { first, _ in first })
    }

    @Test("the output of a guest that floods is cut, and a guest without the secret is not believed")
    func flood() async throws {
      // Everything that a guest would send if its tests ran and passed.
      let forged =
        (KTAPWriter.plan(["a/b/c"]) + KTAPWriter.result(TestResult(name: "a/b/c", status: .ok), number: 1)
        + KTAPWriter.end(1)).replacing("\n", with: "\\n")
      var spec = try await spec(
        "flood",
        script: """
          $B printf '\(forged)' >$port
          $B yes "[    9.000000] nothing to see" | $B head -c 1500000 >/dev/ttyS0
          $B yes "ok 1 a/b/forged" | $B head -c 40000000 >$port
          """)
      spec.mostConsole = 1 << 20
      let run = try await LibvirtHost.with(uri: nil, environment: bench.environment) { [spec] host in
        try await host.withMachine(spec) { machine in
          try await GuestWatch(.standard(.tcg), clock: ContinuousClock()).watch(machine, accelerator: .tcg) { _ in }.run
        }
      }
      // The guest reached its second flood. So it did not hang in the first one, which was not read to its end.
      #expect(run.ending == .flooded)
      #expect(run.release != nil)
      #expect(!run.booted)
      #expect(run.tests == [])
      #expect(try #require(run.unsigned) > 6)
      #expect(run.anomalies.contains { $0.hasSuffix("are not signed by its PID 1, the first: KTAP version 1") })
      for output in ["console", "results"] {
        #expect(
          run.anomalies.contains {
            $0.wholeMatch(of: /[0-9]+ bytes of its (.*) were over the limit.*/)?.1 == output[...]
          },
          "\(run.anomalies)")
      }
      let lastLine = 64
      #expect((1 << 20...1 << 20 + lastLine).contains(try size(console)))
      #expect((16 << 20...16 << 20 + lastLine).contains(try size(results)))
      let end = try String(contentsOfFile: results.string, encoding: .utf8).suffix(lastLine)
      #expect(end.contains(/# patchbench: cut here; [0-9]+ more bytes followed\n$/), "\(end)")
    }
  }
}
