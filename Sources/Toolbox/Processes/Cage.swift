// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import SystemPackage

/// Runs tools on untrusted input in bubblewrap's namespaces, with the toolchain and the tool's inputs, and nothing else
/// of the machine.
///
/// There is no network, only harmless devices, no other visible process, and no root privileges; `/tmp` is private and
/// small. All processes end with the first one, so that none outlives its tool.
public struct Cage: Sendable, Hashable {
  /// A description: `bubblewrap 0.8.0`
  public var description: String
  public var limits: ToolLimits
  /// bubblewrap's options that are the same for all tools.
  private var system: [String]

  /// Finds out which cage works here by trying it.
  /// - Throws: ``NoCage`` if none works.
  public static func find(_ limits: ToolLimits) async throws -> Cage {
    guard let version = try? await Tool("bwrap", ["--version"]).output() else {
      throw NoCage(reason: "bwrap is not installed")
    }
    var failure = ""
    // Without a user namespace if the kernel does not allow one even for root; privileges are dropped there as well.
    for users in [["--unshare-user", "--disable-userns"], []] {
      let cage = Cage(
        description: version.trimmingCharacters(in: .whitespacesAndNewlines)
          + (users.isEmpty ? ", the host's users" : ""),
        limits: limits, system: users + everywhere + system())
      let answer = try await cage.wrap(Tool("true", []), in: "/usr", writable: false).run(deadline: .seconds(30))
      if answer.status.isSuccess { return cage }
      failure = answer.errors.split(separator: "\n").first.map(String.init) ?? answer.status.words
    }
    throw NoCage(reason: failure)
  }

  /// Returns the cage with the host's network, and what finding a server takes.
  public func online() -> Cage {
    var other = self
    other.system.append("--share-net")
    // Files of the same name in /etc may be links to a resolver's directory, which bubblewrap follows.
    for name in ["resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "ssl", "ca-certificates"] {
      other.system += ["--ro-bind-try", "/etc/\(name)", "/etc/\(name)"]
    }
    return other
  }

  /// Returns the tool, changed so that it runs in the cage.
  /// - Parameters:
  ///   - directory: its working directory, visible at its own path.
  ///   - writable: whether it may write there.
  ///   - reads: further readable files and directories.
  ///   - writes: further writable directories.
  ///   - watched: the directories that count for the disk limit, if the tool's writes end up elsewhere.
  public func wrap(
    _ tool: Tool, in directory: FilePath, writable: Bool = true, reading reads: [FilePath] = [],
    writing writes: [FilePath] = [], watched: [FilePath]? = nil
  ) -> Tool {
    var words = system
    // Parents come first: a directory may be inside another.
    let binds =
      reads.map { ("--ro-bind", $0) } + writes.map { ("--bind", $0) } + [(writable ? "--bind" : "--ro-bind", directory)]
    for (option, path) in binds.sorted(by: { $0.1.components.count < $1.1.components.count }) {
      words += [option, path.string, path.string]
    }
    words += ["--remount-ro", "/", "--chdir", directory.string, "--"]
    words += [
      "prlimit", "--core=0", "--as=\(limits.memory)", "--fsize=\(limits.disk)", "--nofile=4096", "--",
    ]
    var caged = tool.started(by: "bwrap", words)
    caged.limits = limits
    caged.writes = watched ?? (writes + (writable ? [directory] : []))
    return caged
  }

  /// Bytes. Compilers put their assembly there.
  private static let temporary = 512 << 20

  private static let everywhere = [
    "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent",
    "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev", "--size", "\(16 << 20)", "--tmpfs", "/dev/shm",
    "--remount-ro", "/dev", "--size", "\(temporary)", "--tmpfs", "/tmp",
  ]

  /// The toolchain, at its paths on this machine. Debian's directories next to /usr are links into it.
  private static func system() -> [String] {
    var words = ["--ro-bind", "/usr", "/usr"]
    for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: name) {
        words += ["--symlink", target, name]
      } else {
        words += ["--ro-bind-try", name, name]
      }
    }
    // awk and yacc are links into it.
    return words + ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
  }
}

/// No cage works here, for this reason.
public struct NoCage: Error, Sendable, Hashable {
  public var reason: String
}
