// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import SystemPackage

/// Where tools work on what strangers sent: bubblewrap's namespaces, with the toolchain and what the tool is given, and
/// nothing else of the machine.
///
/// There is no network, no device but the harmless ones, no other process to be seen, no right of root's; `/tmp` is the
/// tool's own and small. Processes end with the first of them, so that none outlives its tool.
public struct Cage: Sendable, Hashable {
  /// In words: `bubblewrap 0.8.0`
  public var description: String
  public var limits: ToolLimits
  /// bubblewrap's options for what is the same for all tools.
  private let system: [String]

  /// Finds out what cage can be had here, by having one.
  /// - Throws: ``NoCage`` if none can.
  public static func find(_ limits: ToolLimits) async throws -> Cage {
    guard let version = try? await Tool("bwrap", ["--version"]).output() else {
      throw NoCage(reason: "bwrap is not installed")
    }
    var failure = ""
    // Without users of its own where the kernel does not let even root have them; its rights are gone there as well.
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

  /// The tool, made to run in here.
  /// - Parameters:
  ///   - directory: where it runs; seen at its own path.
  ///   - writable: whether it may write there.
  ///   - reads: files and directories beside it.
  ///   - writes: directories beside it.
  ///   - watched: what the limit on the disk is about: where what it writes comes to lie, if that is elsewhere.
  public func wrap(
    _ tool: Tool, in directory: FilePath, writable: Bool = true, reading reads: [FilePath] = [],
    writing writes: [FilePath] = [], watched: [FilePath]? = nil
  ) -> Tool {
    var words = system
    // What is above comes first: a directory may lie in another.
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

  /// In bytes. Compilers put their assembly there.
  private static let temporary = 512 << 20

  private static let everywhere = [
    "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent",
    "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev", "--size", "\(16 << 20)", "--tmpfs", "/dev/shm",
    "--remount-ro", "/dev", "--size", "\(temporary)", "--tmpfs", "/tmp",
  ]

  /// The toolchain, at the paths that it has on this machine: Debian's directories beside /usr are links into it.
  private static func system() -> [String] {
    var words = ["--ro-bind", "/usr", "/usr"]
    for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: name) {
        words += ["--symlink", target, name]
      } else {
        words += ["--ro-bind-try", name, name]
      }
    }
    // awk and yacc are links there.
    return words + ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
  }
}

/// No cage can be had here; why.
public struct NoCage: Error, Sendable, Hashable {
  public var reason: String
}
