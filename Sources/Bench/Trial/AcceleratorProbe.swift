// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
import Glibc
import GuestMachine
import GuestProtocol
public import KernelBuild
import SystemPackage
import Toolbox

/// The emulator that libvirt starts.
public enum Emulator {
  /// `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`
  /// - Throws: ``StageError`` if it is not installed; ``ToolError``.
  public static func version(for architecture: Architecture) async throws -> String {
    let emulation = architecture.emulation
    do {
      let text = try await Tool(emulation.program, ["--version"]).output()
      return text.split(separator: "\n").first.map(String.init) ?? emulation.program
    } catch {
      guard case .notFound = error else { throw error }
      throw StageError.fault(
        .boot, "\(emulation.program) is not installed, which runs this profile's guests",
        advice: "`apt-get install \(emulation.package)` installs it")
    }
  }
}

/// Whether KVM works on this machine, as far as that is known. The result is saved in a file for this machine.
public struct KVMFinding: Codable, Sendable, Hashable {
  /// The host's kernel, its CPU, and QEMU. When one of them changes, KVM is probed again.
  public var machine: String
  public var works: Bool
  public var words: String
  /// When to probe again even if nothing has changed.
  public var until: Date?

  static func file(_ cache: Cache) -> FilePath { cache.root.appending("machine").appending("kvm.json") }

  /// Returns the finding of an earlier run, if it still applies.
  public static func remembered(_ cache: Cache, emulator: String) -> KVMFinding? {
    guard let data = FileManager.default.contents(atPath: file(cache).string),
      let finding = try? JSONDecoder().decode(KVMFinding.self, from: data),
      finding.machine == identity(emulator), finding.until ?? .distantFuture > Date()
    else { return nil }
    return finding
  }

  func remember(_ cache: Cache) throws {
    try JSONEncoder().encode(self).write(to: URL(filePath: Self.file(cache).string), options: .atomic)
  }

  static func identity(_ emulator: String) -> String {
    let release = ProcFile.text("/proc/sys/kernel/osrelease") ?? ""
    let processors = ProcFile.text("/proc/cpuinfo") ?? ""
    let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") } ?? ""
    return [release.trimmingCharacters(in: .whitespacesAndNewlines), String(model), emulator].joined(separator: "; ")
  }
}

/// The accelerator that guests use, and why.
public struct ChosenAccelerator: Sendable, Hashable {
  public var accelerator: Accelerator
  public var reason: String
}

/// Chooses between KVM and TCG. /dev/kvm can exist, open, and still make a machine that never runs a guest. So only a
/// real boot with a deadline counts.
struct AcceleratorProbe: Sendable {
  var choice: AcceleratorChoice
  /// The guests'.
  var architecture: Architecture
  var cache: Cache
  var emulator: String
  var kernel: FilePath
  var initramfs: FilePath
  var scratch: FilePath

  /// The time limit for the probe boot. With a working KVM, a guest says hello in about a second.
  private static let deadline = Duration.seconds(15)
  /// How long a failed start is remembered, in seconds.
  private static let shortMemory = 3600.0

  /// Returns the accelerator that a run will use, if that is known without a boot.
  static func known(
    _ choice: AcceleratorChoice, for architecture: Architecture, cache: Cache, emulator: String
  ) -> Accelerator? {
    switch choice {
    case .tcg: return .tcg
    case .kvm: return .kvm
    case .auto:
      if !architecture.isHost || KVMDevice.refusal() != nil { return .tcg }
      return KVMFinding.remembered(cache, emulator: emulator).map { $0.works ? .kvm : .tcg }
    }
  }

  func choose(_ host: some MachineHost, probing: () -> Void) async throws -> ChosenAccelerator {
    switch choice {
    case .tcg: return ChosenAccelerator(accelerator: .tcg, reason: "requested")
    case .kvm, .auto:
      let finding = try await finding(host, probing)
      if finding.works { return ChosenAccelerator(accelerator: .kvm, reason: finding.words) }
      if choice == .kvm {
        throw StageError.fault(
          .boot, "KVM does not work here: \(finding.words)", advice: "leave out --accelerator kvm")
      }
      return ChosenAccelerator(accelerator: .tcg, reason: "KVM is not usable: \(finding.words)")
    }
  }

  private func finding(_ host: some MachineHost, _ probing: () -> Void) async throws -> KVMFinding {
    if !architecture.isHost {
      let words = "it runs only guests of this machine's architecture, \(Architecture.host.name)"
      return KVMFinding(machine: "", works: false, words: words)
    }
    // Not remembered, because permissions can change without notice.
    if let refusal = KVMDevice.refusal() { return KVMFinding(machine: "", works: false, words: refusal) }
    // A user who insists on KVM wants to know its state now.
    if choice == .auto, let known = KVMFinding.remembered(cache, emulator: emulator) { return known }
    probing()
    let spec = MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-kvm", architecture, accelerator: .kvm,
      kernel: kernel, initramfs: initramfs, commandLine: KernelCommandLine(GuestOptions(), for: architecture),
      console: scratch.appending("kvm-console.log"), results: scratch.appending("kvm-results.ktap"))
    let clocks = GuestClocks(boot: Self.deadline, silence: Self.deadline, run: Self.deadline)
    var finding = KVMFinding(machine: KVMFinding.identity(emulator), works: false, words: "")
    do {
      let hello = try await host.withMachine(spec) { machine in
        try await GuestWatch(clocks, clock: ContinuousClock()).hello(machine)
      }
      finding.works = hello
      finding.words =
        hello ? "a probe boot worked" : "a probe boot never reached init within \(Self.deadline / .seconds(1)) s"
    } catch let error as LibvirtError {
      finding.words = error.message.split(separator: "\n").last.map(String.init) ?? error.message
      // QEMU did not start. The reason may go away soon, for example another hypervisor that uses the CPU.
      finding.until = Date(timeIntervalSinceNow: Self.shortMemory)
    }
    try finding.remember(cache)
    return finding
  }
}
