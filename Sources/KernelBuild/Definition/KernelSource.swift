// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
public import SystemPackage
import Toolbox

/// A kernel source that was found on this machine and can be unpacked.
struct KernelSource: Sendable {
  /// Changes whenever the source does.
  var identity: String
  /// For people: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  var description: String
  private var kind: Kind

  private enum Kind: Sendable {
    case archive(FilePath)
    case tree(FilePath)
    case repository(FilePath, commit: String)
  }

  /// Finds the source.
  /// - Parameter store: where a repository that is not on this machine is fetched to.
  static func find(_ source: KernelDefinition.Source, store: FilePath) async throws -> KernelSource {
    switch source {
    case .debian(let package):
      let version = try await Tool("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Version}", package]).run()
      guard version.status.isSuccess, version.output.hasPrefix("installed ") else {
        throw StageError.fault(
          .build, "the kernel's source is not installed (\(package))", advice: "apt-get install \(package)")
      }
      let archive = FilePath("/usr/src").appending("\(package).tar.xz")
      guard FileManager.default.fileExists(atPath: archive.string) else {
        throw StageError.fault(
          .build, "\(archive) is missing though \(package) is installed",
          advice: "apt-get install --reinstall \(package)")
      }
      let number = String(version.output.dropFirst(10))
      return KernelSource(
        identity: "debian \(package) \(number)", description: "Debian \(package) \(number)", kind: .archive(archive))

    case .tree(let path):
      guard FileManager.default.fileExists(atPath: path.appending("Kconfig").string) else {
        throw StageError.fault(.build, "no kernel tree at \(path)", advice: "correct source: tree: in its kernel.yaml")
      }
      // Names, sizes and mtimes of all files: this shows edits without reading the files. It includes the tree's own
      // build products, which at worst costs a rebuild.
      let listing = try await Tool(
        "find", [".", "-name", ".git", "-prune", "-o", "-type", "f", "-printf", "%P %s %T@\\n"], in: path
      ).output()
      let lines = listing.split(separator: "\n").sorted().joined(separator: "\n")
      let digest = try await Digest.of([lines])
      return KernelSource(
        identity: "tree \(digest)", description: "tree \(path.lastComponent?.string ?? "") \(digest.prefix(12))",
        kind: .tree(path))

    case .git(let repository, let revision):
      let isLocal = FileManager.default.fileExists(atPath: repository)
      let local: FilePath
      var name = revision
      if isLocal {
        local = FilePath(repository)
      } else if try await KernelSource.has(revision, in: store) {
        local = store
      } else {
        local = store
        try FileManager.default.createDirectory(atPath: store.string, withIntermediateDirectories: true)
        _ = try await Git.tool(["init", "--quiet", "--bare", store.string]).output()
        let fetch = try await Git.tool(
          ["fetch", "--quiet", "--depth=1", "--", repository, revision], in: store
        ).run(deadline: .seconds(3600))
        guard fetch.status.isSuccess else {
          throw StageError.fault(
            .build, "git cannot fetch \(revision) from \(repository): \(fetch.errors.suffix(300))",
            advice:
              "correct source: git: in its kernel.yaml, or --base; or fetch it yourself and name the local repository")
        }
        name = "FETCH_HEAD"
      }
      // The repository is the user's own choice, named in the kernel's definition; git's ownership check protects
      // against entering another user's repository by accident.
      let parsed = try await Git.tool(
        ["-c", "safe.directory=*", "rev-parse", "--verify", "--quiet", "--end-of-options", "\(name)^{commit}"],
        in: local
      ).run()
      guard parsed.status.isSuccess else {
        throw StageError.fault(
          .build, "\(repository) has no commit \(revision)",
          advice: "correct source: git: in its kernel.yaml, or --base")
      }
      let commit = parsed.output.trimmingCharacters(in: .whitespacesAndNewlines)
      return KernelSource(
        identity: "git \(commit)", description: "git \(revision) (\(commit.prefix(12)))",
        kind: .repository(local, commit: commit))
    }
  }

  /// Whether a repository that was fetched before has a commit. A branch or a tag may have moved since.
  private static func has(_ commit: String, in store: FilePath) async throws -> Bool {
    guard [40, 64].contains(commit.utf8.count), commit.allSatisfy({ $0.isASCII && $0.isHexDigit }),
      FileManager.default.fileExists(atPath: store.string)
    else { return false }
    return try await Git.tool(["cat-file", "-e", "\(commit)^{commit}"], in: store).run().status.isSuccess
  }

  /// Unpacks the source so that `directory`, which must not exist yet, becomes the tree's root.
  func unpack(to directory: FilePath) async throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    switch kind {
    case .archive(let path):
      _ = try await Tool(
        "tar", ["-x", "--no-same-owner", "--strip-components=1", "-f", path.string, "-C", directory.string]
      ).output()
    case .tree(let path):
      _ = try await Tool("cp", ["-a", "--reflink=auto", "--", path.string + "/.", directory.string]).output()
      try? manager.removeItem(atPath: directory.appending(".git").string)
      // Anything built there was built at another path and with another configuration.
      _ = try await Tool("make", ["mrproper"], in: directory, environment: Kbuild.steadyEnvironment).output()
    case .repository(let path, let commit):
      let archive = directory.removingLastComponent().appending("source.tar")
      defer { try? manager.removeItem(atPath: archive.string) }
      _ = try await Git.tool(
        ["-c", "safe.directory=*", "archive", "--format=tar", "-o", archive.string, commit], in: path
      ).output()
      _ = try await Tool("tar", ["-x", "--no-same-owner", "-f", archive.string, "-C", directory.string]).output()
    }
  }
}

extension KernelDefinition {
  /// Finds the source without unpacking it.
  /// - Returns: its description, for people.
  /// - Throws: ``StageError`` with advice if it is not found.
  public func describeSource(cache: Cache) async throws -> String {
    try await KernelSource.find(source, store: cache.repository(of: self)).description
  }
}

extension KernelDefinition {
  /// Unpacks the source so that `directory`, which must not exist yet, becomes the tree's root.
  public func unpack(to directory: FilePath, cache: Cache) async throws {
    try await KernelSource.find(source, store: cache.repository(of: self)).unpack(to: directory)
  }
}

extension Cache {
  /// Where a kernel's repository is fetched to, if its source is not on this machine.
  func repository(of kernel: KernelDefinition) -> FilePath { sources.appending(kernel.name + ".git") }
}
