// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import Glibc
import GuestMachine
public import KernelBuild
public import SystemPackage
import Toolbox

/// What helps where something is missing.
public enum Remedy: Sendable, Hashable, Encodable {
  /// Debian packages to install.
  case packages([String])
  /// A command to run, or words for what no command does.
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

/// One thing that patchbench needs of the machine.
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

/// Looks at what is missing or unusable here.
public enum Doctor {
  /// What is looked at before every run: files alone, so it costs nothing.
  public static func quick(guestBinary: FilePath) -> [DoctorCheck] {
    var checks = tools.map { tool in
      let path = find(tool.name)
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

  /// Everything, by trying it.
  public static func full(
    guestBinary: FilePath, cache: Cache, kernel: KernelDefinition, connection: String?, environment: [String: String]
  ) async -> [DoctorCheck] {
    var checks = quick(guestBinary: guestBinary)
    checks.append(await libvirt(connection, environment))
    checks.append(await kernelSource(kernel, cache: cache))
    let cage = try? await Sandbox(jobs: 1).cage()
    checks.append(
      DoctorCheck(
        name: "cage for builds", state: cage == nil ? .missing : .ok,
        detail: cage?.description ?? "series are not built without one, but with --no-sandbox",
        remedy: cage == nil ? .packages(["bubblewrap"]) : nil))
    checks.append(await buildTrees(cache, cage))
    checks.append(await accelerator(cache))
    checks.append(stateDisks)
    let free = cache.freeSpace >> 20
    checks.append(
      DoctorCheck(
        name: "free space", state: free > 6 << 10 ? .ok : .warning, detail: "\(free) MiB in \(cache.root)",
        remedy: free > 6 << 10 ? nil : .advice("free some space, or set PATCHBENCH_CACHE elsewhere; a base needs 5 GiB")
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

  /// What supermin makes libguestfs' appliance from: any kernel of the machine's that this user may read.
  private static var stateDisks: DoctorCheck {
    let kernels = ((try? FileManager.default.contentsOfDirectory(atPath: "/boot")) ?? []).filter {
      $0.hasPrefix("vmlinuz-") && access("/boot/\($0)", R_OK) == 0
    }
    return DoctorCheck(
      name: "libguestfs", state: kernels.isEmpty ? .warning : .ok,
      detail: kernels.max() ?? "no kernel in /boot that can be read: disks of guests that died are kept, and not read",
      remedy: kernels.isEmpty ? .packages(["linux-image-cloud-amd64"]) : nil)
  }

  private static func accelerator(_ cache: Cache) async -> DoctorCheck {
    let emulator = (try? await Emulator.version()) ?? ""
    if let refusal = KVMDevice.refusal() {
      return DoctorCheck(
        name: "KVM", state: .warning, detail: "\(refusal); TCG is used")
    }
    guard let finding = KVMFinding.remembered(cache, emulator: emulator) else {
      return DoctorCheck(name: "KVM", state: .ok, detail: "not probed yet; the first run does, with a boot")
    }
    return DoctorCheck(
      name: "KVM", state: finding.works ? .ok : .warning,
      detail: finding.works ? finding.words : "\(finding.words); TCG is used")
  }

  private static func find(_ tool: String) -> String? {
    Tool.plainEnvironment["PATH"]!.split(separator: ":").map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
  }

  private struct Need {
    var name: String
    var package: String
    var why: String
  }

  /// The programs that runs start, with the Debian package that has them.
  private static let tools = [
    Need(name: "git", package: "git", why: "it reads and applies patches"),
    Need(name: "make", package: "make", why: "it builds kernels"),
    Need(name: "gcc", package: "gcc", why: "it builds kernels"),
    Need(name: "ccache", package: "ccache", why: "it keeps what was compiled"),
    Need(name: "ld", package: "binutils", why: "it builds kernels"),
    Need(name: "strip", package: "binutils", why: "it makes the guest binary small"),
    Need(name: "flex", package: "flex", why: "Kconfig's parser is built with it"),
    Need(name: "bison", package: "bison", why: "Kconfig's parser is built with it"),
    Need(name: "bc", package: "bc", why: "the kernel's time constants are made with it"),
    Need(name: "perl", package: "perl", why: "the kernel's build runs it"),
    Need(name: "cpio", package: "cpio", why: "it writes the initramfs"),
    Need(name: "xz", package: "xz-utils", why: "Debian's kernel source is packed with it"),
    Need(name: "unshare", package: "util-linux", why: "build trees are mounted in a namespace of their own"),
    Need(name: "mount", package: "mount", why: "build trees are mounted with it"),
    Need(name: "mke2fs", package: "e2fsprogs", why: "it makes the disks on which guests leave their state"),
    Need(
      name: Architecture.host.emulation.program, package: Architecture.host.emulation.package, why: "it runs the guests"
    ),
  ]

  private static let headers: [(path: String, package: String, why: String)] = [
    ("/usr/include/libelf.h", "libelf-dev", "the kernel's objtool is built with it")
  ]
}
