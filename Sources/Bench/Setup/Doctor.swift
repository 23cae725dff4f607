// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import GuestMachine
public import KernelBuild
public import SystemPackage
import Toolbox

/// How to fix what is missing.
public enum Remedy: Sendable, Hashable, Encodable {
  /// Debian packages to install.
  case packages([String])
  /// A command to run, or advice if no command can fix it.
  case advice(String)

  public var words: String {
    switch self {
    case .packages(let names): "apt-get install \(names.joined(separator: " "))"
    case .advice(let text): text
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(words)
  }
}

/// One thing that patchbench needs on this machine.
public struct DoctorCheck: Sendable, Hashable, Encodable {
  public enum State: String, Sendable, Hashable, Codable {
    case ok
    /// Runs work, but not as well as they could.
    case warning
    case missing
  }

  public var name: String
  public var state: State
  /// What was found.
  public var detail: String
  public var remedy: Remedy?
}

/// Checks what is missing or unusable on this machine.
public enum Doctor {
  /// The checks before every run. They only look at files, so they are cheap.
  public static func quick(guestBinary: FilePath) -> [DoctorCheck] {
    var checks = tools.map { tool in
      let path = Tool.path(of: tool.name)
      return DoctorCheck(
        name: tool.name, state: path == nil ? .missing : .ok, detail: path ?? "not found: \(tool.why)",
        remedy: path == nil ? .packages([tool.package]) : nil)
    }
    for header in headers {
      let there = FileManager.default.fileExists(atPath: header.path)
      checks.append(
        DoctorCheck(
          name: header.path, state: there ? .ok : .missing, detail: there ? "there" : "not found: \(header.why)",
          remedy: there ? nil : .packages([header.package])))
    }
    let account = getpwnam("libvirt-qemu") != nil
    checks.append(
      DoctorCheck(
        name: "libvirt-qemu account", state: account ? .ok : .missing,
        detail: account ? "there" : "libvirt's QEMU driver does not start without it",
        remedy: account ? nil : .packages(["libvirt-daemon-system"])))
    let guest = FileManager.default.fileExists(atPath: guestBinary.string)
    checks.append(
      DoctorCheck(
        name: "guest binary", state: guest ? .ok : .missing, detail: guestBinary.string,
        remedy: guest ? nil : .advice("./setup.sh guest")))
    return checks
  }

  /// All checks. They try each thing.
  public static func full(
    checkout: Checkout, cache: Cache, kernel: KernelDefinition, connection: String?, environment: [String: String]
  ) async -> [DoctorCheck] {
    var checks = quick(guestBinary: checkout.guestBinary)
    checks.append(await libvirt(connection, environment))
    checks.append(await kernelSource(kernel, cache: cache))
    let cage = try? await Sandbox(jobs: 1).cage()
    checks.append(
      DoctorCheck(
        name: "sandbox for builds", state: cage == nil ? .missing : .ok,
        detail: cage?.description ?? "without it, series are only built with --no-sandbox",
        remedy: cage == nil ? .packages(["bubblewrap"]) : nil))
    let b4 = Tool.path(of: "b4")
    checks.append(
      DoctorCheck(
        name: "b4", state: b4 == nil ? .warning : .ok,
        detail: b4 ?? "not found: without it, threads are read by the numbers in their subjects alone",
        remedy: b4 == nil ? .packages(["b4"]) : nil))
    checks += slurm(environment, state: .warning)
    checks += toolchains(kernel) { (try? checkout.guestBinary(for: $0)) != nil }
    checks.append(await buildTrees(cache, cage))
    checks.append(await accelerator(cache))
    checks.append(stateDisks)
    let free = cache.freeSpace >> 20
    checks.append(
      DoctorCheck(
        name: "free space", state: free > 6 << 10 ? .ok : .warning, detail: "\(free) MiB in \(cache.root)",
        remedy: free > 6 << 10 ? nil : .advice("free some space, or move PATCHBENCH_CACHE; a base needs 5 GiB")
      ))
    return checks
  }

  private static func libvirt(_ connection: String?, _ environment: [String: String]) async -> DoctorCheck {
    let name = "libvirt \(connection ?? "qemu:///embed")"
    do {
      let version = try await LibvirtHost.with(uri: connection, environment: environment) { try await $0.version() }
      return DoctorCheck(name: name, state: .ok, detail: "version \(version)")
    } catch {
      return DoctorCheck(
        name: name, state: .missing, detail: "\(error)",
        remedy: connection == nil ? .packages(["libvirt-daemon-system", "libvirt-daemon-driver-qemu"]) : nil)
    }
  }

  private static func kernelSource(_ kernel: KernelDefinition, cache: Cache) async -> DoctorCheck {
    let name = "kernel source \(kernel.name)"
    do {
      return DoctorCheck(name: name, state: .ok, detail: try await kernel.describeSource(cache: cache))
    } catch StageError.fault(let fault) {
      return DoctorCheck(name: name, state: .missing, detail: fault.message, remedy: fault.advice.map(Remedy.advice))
    } catch {
      return DoctorCheck(name: name, state: .missing, detail: "\(error)")
    }
  }

  private static func buildTrees(_ cache: Cache, _ cage: Cage?) async -> DoctorCheck {
    let method = (try? await cache.withScratch { try await SeriesTree.method(scratch: $0, cage: cage) }) ?? .copy
    switch method {
    case .overlay: return DoctorCheck(name: "build trees", state: .ok, detail: "overlayfs")
    case .userOverlay: return DoctorCheck(name: "build trees", state: .ok, detail: "overlayfs in a user namespace")
    case .copy:
      return DoctorCheck(
        name: "build trees", state: .warning, detail: "no overlayfs here: each series copies its base, some GB",
        remedy: .advice(
          "run as root, or allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1"))
    }
  }

  /// Checks for a kernel that supermin can make libguestfs' appliance from: any in /boot that this user may read.
  private static var stateDisks: DoctorCheck {
    let kernels = ((try? FileManager.default.contentsOfDirectory(atPath: "/boot")) ?? []).filter {
      $0.hasPrefix("vmlinuz-") && access("/boot/\($0)", R_OK) == 0
    }
    return DoctorCheck(
      name: "libguestfs", state: kernels.isEmpty ? .warning : .ok,
      detail: kernels.max() ?? "no readable kernel in /boot: disks of guests that died are kept, but not read",
      remedy: kernels.isEmpty ? .packages(["linux-image-cloud-amd64"]) : nil)
  }

  private static func accelerator(_ cache: Cache) async -> DoctorCheck {
    let emulator = (try? await Emulator.version(for: .host)) ?? ""
    if let refusal = KVMDevice.refusal() {
      return DoctorCheck(
        name: "KVM", state: .warning, detail: "\(refusal); TCG is used", remedy: KVMDevice.remedy().map(Remedy.advice))
    }
    guard let finding = KVMFinding.remembered(cache, emulator: emulator) else {
      return DoctorCheck(name: "KVM", state: .ok, detail: "not probed yet; the first run probes it by booting a guest")
    }
    return DoctorCheck(
      name: "KVM", state: finding.works ? .ok : .warning,
      detail: finding.works ? finding.words : "\(finding.words); TCG is used")
  }

  /// What the kernel's profiles lack that use other tools than the machine's own compiler and emulator.
  /// - Parameter hasBinary: whether there is a guest binary for an architecture.
  static func toolchains(
    _ kernel: KernelDefinition, find: (String) -> String? = { Tool.path(of: $0) }, hasBinary: (Architecture) -> Bool
  ) -> [DoctorCheck] {
    let profiles = kernel.profiles.values.sorted { $0.name < $1.name }
    return profiles.filter { $0.toolchain != .host || !$0.checks.isEmpty }.map { profile in
      let (tools, emulation) = (profile.toolchain, profile.architecture.emulation)
      var needs = [tools.compiler, tools.linker].map { (program: $0, packages: tools.packages) }
      needs += profile.checks.map { (program: $0.program, packages: [$0.package]) }
      if profile.extent == .boot { needs.append((emulation.program, [emulation.package])) }
      let missing = needs.filter { find($0.program) == nil }
      var lacks = missing.first.map { ($0.program, Remedy.packages(Set(missing.flatMap(\.packages)).sorted())) }
      if lacks == nil, profile.extent == .boot, !hasBinary(profile.architecture) {
        lacks = ("its guest binary", .advice("./setup.sh guest \(profile.architecture.name)"))
      }
      let checks = profile.checks.map(\.name).joined(separator: ", ")
      return DoctorCheck(
        name: "profile \(profile.name)", state: lacks == nil ? .ok : .warning,
        detail: lacks.map { "\($0.0) not found: without it, this profile is not run" }
          ?? "\(tools.compiler) for \(tools.target)" + (checks.isEmpty ? "" : ", \(checks)"),
        remedy: lacks?.1)
    }
  }

  private struct Need {
    var name: String
    var package: String
    var why: String
  }

  /// The programs that runs start, each with its Debian package.
  private static let tools = [
    Need(name: "git", package: "git", why: "it reads and applies patches"),
    Need(name: "make", package: "make", why: "it builds kernels"),
    Need(name: "gcc", package: "gcc", why: "it builds kernels"),
    Need(name: "ccache", package: "ccache", why: "it caches compiled objects"),
    Need(name: "ld", package: "binutils", why: "it builds kernels"),
    Need(name: "strip", package: "binutils", why: "it makes the guest binary small"),
    Need(name: "flex", package: "flex", why: "it builds Kconfig's parser"),
    Need(name: "bison", package: "bison", why: "it builds Kconfig's parser"),
    Need(name: "bc", package: "bc", why: "it computes the kernel's time constants"),
    Need(name: "perl", package: "perl", why: "the kernel's build runs it"),
    Need(name: "cpio", package: "cpio", why: "it writes the initramfs"),
    Need(name: "xz", package: "xz-utils", why: "it unpacks Debian's kernel source"),
    Need(name: "unshare", package: "util-linux", why: "it gives build trees their own mount namespace"),
    Need(name: "mount", package: "mount", why: "it mounts build trees"),
    Need(name: "mke2fs", package: "e2fsprogs", why: "it makes the state disks of guests"),
    Need(
      name: Architecture.host.emulation.program, package: Architecture.host.emulation.package, why: "it runs the guests"
    ),
  ]

  private static let headers: [(path: String, package: String, why: String)] = [
    ("/usr/include/libelf.h", "libelf-dev", "the kernel's objtool needs it")
  ]
}
