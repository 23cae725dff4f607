// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import KernelText
public import SystemPackage
import Toolbox

/// A kernel source that was found on this machine and can be unpacked.
struct KernelSource: Sendable {
  /// Changes whenever the source does.
  var identity: String
  /// For people: `Debian linux-source-6.12 6.12.117-1~deb12u1`.
  var description: String
  var version: KernelVersion
  private var kind: Kind

  private enum Kind: Sendable {
    case archive(FilePath)
    case tree(FilePath)
    case repository(FilePath, commit: String)
  }

  /// What to do if the source is not on this machine.
  enum Fetching: Sendable {
    /// Fetch it; the closure gets a description of what is done.
    case allowed(@Sendable (String) -> Void)
    /// Fail with advice.
    case refused
  }

  /// Whether the source has to be fetched from a Debian suite first.
  static func isHere(_ kernel: KernelDefinition, cache: Cache) -> Bool {
    guard case .debian(let package, let suite?) = kernel.source else { return true }
    return SuitePackage.find(package, suite: suite, store: cache.sources) != nil
  }

  /// Finds the source.
  /// - Parameter cache: where sources that are not on this machine are fetched to.
  static func find(_ kernel: KernelDefinition, cache: Cache, fetching: Fetching) async throws -> KernelSource {
    switch kernel.source {
    case .debian(let package, let suite?):
      if let known = SuitePackage.find(package, suite: suite, store: cache.sources) {
        return try KernelSource(package: package, number: known.version, archive: known.archive)
      }
      guard case .allowed(let progress) = fetching else {
        throw StageError.fault(
          .build, "\(package) has not been fetched from \(suite) yet",
          advice: "patchbench run --base-only --kernel \(kernel.name) fetches it")
      }
      progress("fetching \(package) from \(suite)")
      let fetched = try await SuitePackage.fetch(package, suite: suite, store: cache.sources)
      return try KernelSource(package: package, number: fetched.version, archive: fetched.archive)

    case .debian(let package, nil):
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
      return try KernelSource(package: package, number: String(version.output.dropFirst(10)), archive: archive)

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
      let makefile = String(
        decoding: FileManager.default.contents(atPath: path.appending("Makefile").string) ?? Data(), as: UTF8.self)
      let release = try await Self.release(of: path, makefile: makefile)
      return KernelSource(
        identity: "tree \(digest)",
        description: "tree \(path.lastComponent?.string ?? ""), \(release) \(digest.prefix(12))",
        version: try Self.version(makefile: makefile, of: "\(path)"), kind: .tree(path))

    case .git(let repository, let revision):
      let isLocal = FileManager.default.fileExists(atPath: repository)
      let local = isLocal ? FilePath(repository) : cache.repository(of: kernel)
      var name = revision
      if !isLocal, try await !KernelSource.has(revision, in: local) {
        try FileManager.default.createDirectory(atPath: local.string, withIntermediateDirectories: true)
        _ = try await Git.tool(["init", "--quiet", "--bare", local.string]).output()
        let fetch = try await Git.tool(
          ["fetch", "--quiet", "--depth=1", "--", repository, revision], in: local
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
      let makefile = try await Git.tool(
        ["-c", "safe.directory=*", "cat-file", "blob", "\(commit):Makefile"], in: local
      ).run()
      return KernelSource(
        identity: "git \(commit)", description: "git \(revision) (\(commit.prefix(12)))",
        version: try Self.version(makefile: makefile.output, of: "\(revision) of \(repository)"),
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

  private init(identity: String, description: String, version: KernelVersion, kind: Kind) {
    self.identity = identity
    self.description = description
    self.version = version
    self.kind = kind
  }

  private init(package: String, number: String, archive: FilePath) throws {
    guard let version = KernelVersion(number) else {
      throw StageError.fault(.build, "\(package) \(number): this is not the version of a kernel")
    }
    self.init(
      identity: "debian \(package) \(number)", description: "Debian \(package) \(number)", version: version,
      kind: .archive(archive))
  }

  /// What a tree says of its version: `7.2.12`, or in a git work tree `v6.12-rc3-12-g0123456789ab`.
  private static func release(of tree: FilePath, makefile: String) async throws -> String {
    if FileManager.default.fileExists(atPath: tree.appending(".git").string) {
      let described = try await Git.tool(
        ["-c", "safe.directory=*", "describe", "--tags", "--always", "--abbrev=12"], in: tree
      ).run()
      if described.status.isSuccess { return described.output.trimmingCharacters(in: .whitespacesAndNewlines) }
    }
    return KernelVersion.release(makefile: makefile) ?? "unknown version"
  }

  private static func version(makefile: String, of place: String) throws -> KernelVersion {
    guard let version = KernelVersion(makefile: makefile) else {
      throw StageError.fault(
        .build, "\(place): its Makefile has no VERSION and PATCHLEVEL, so it is not the tree of a kernel",
        advice: "correct source: in its kernel.yaml")
    }
    return version
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
  /// Finds the source without fetching or unpacking it.
  /// - Returns: its description, for people.
  /// - Throws: ``StageError`` with advice if it is not found.
  public func describeSource(cache: Cache) async throws -> String {
    try await KernelSource.find(self, cache: cache, fetching: .refused).description
  }

  /// Unpacks the source so that `directory`, which must not exist yet, becomes the tree's root.
  public func unpack(to directory: FilePath, cache: Cache) async throws {
    try await KernelSource.find(self, cache: cache, fetching: .allowed { _ in }).unpack(to: directory)
  }
}

extension Cache {
  /// Where a kernel's repository is fetched to, if its source is not on this machine.
  func repository(of kernel: KernelDefinition) -> FilePath { sources.appending(kernel.label + ".git") }
}
