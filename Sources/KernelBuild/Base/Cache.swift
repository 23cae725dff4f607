// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// What patchbench keeps between runs: built bases, results of bases, what a probe found out.
///
///     bases/NAME/       one built base: tree, resolved configuration, log; guarded by NAME.lock beside it
///     trials/KEY/       what came of a base or a series
///     objects/          what was compiled, in ccache's keeping
///     work/ID/          what a running series needs; removed when it ends, by the next run, or by `patchbench clean`
///     machine/          what was probed of this machine
///     appliance/        libguestfs' own guest
///     benchmark/NAME/   the tree of a tool that patchbench was timed against; guarded by NAME.lock beside it
public struct Cache: Sendable, Hashable {
  public var root: FilePath

  /// - Throws: what the file system says if the directories cannot be made.
  public init(_ root: FilePath) throws {
    self.root = root
    for name in ["bases", "trials", "work", "machine", "sources", "objects", "benchmark", "appliance"] {
      try FileManager.default.createDirectory(
        atPath: root.appending(name).string, withIntermediateDirectories: true)
    }
  }

  /// `$PATCHBENCH_CACHE`, or `patchbench` in `$XDG_CACHE_HOME` or `~/.cache`.
  public static func standardRoot(environment: [String: String]) -> FilePath {
    if let path = environment["PATCHBENCH_CACHE"], !path.isEmpty { return FilePath(path) }
    if let path = environment["XDG_CACHE_HOME"], path.hasPrefix("/") { return FilePath(path).appending("patchbench") }
    return FilePath(environment["HOME"] ?? "/tmp").appending(".cache").appending("patchbench")
  }

  /// Where built bases are, a directory for each and a lock beside it.
  public var bases: FilePath { root.appending("bases") }

  var sources: FilePath { root.appending("sources") }
  var work: FilePath { root.appending("work") }

  /// ccache's directory.
  var objects: FilePath { root.appending("objects") }

  /// Where kept results are, a directory for each.
  public var trials: FilePath { root.appending("trials") }

  /// Where libguestfs keeps what it starts.
  public var appliance: FilePath { root.appending("appliance") }
  /// Held by whoever uses it.
  public var applianceLock: FilePath { root.appending("appliance.lock") }

  /// Where the trees of other tools are, a directory for each and a lock beside it.
  public var benchmark: FilePath { root.appending("benchmark") }

  /// Free space where the cache is, in bytes.
  public var freeSpace: Int64 {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: root.string)
    return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
  }

  /// Gives `body` a new directory under `work/` and removes it afterwards, however `body` ends.
  public func withScratch<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let (path, lockPath, lock) = try lockedName()
    defer { lock.release() }
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
    do {
      let result = try await body(path)
      await Self.remove(path)
      try? FileManager.default.removeItem(atPath: lockPath.string)
      return result
    } catch {
      await Self.remove(path)
      try? FileManager.default.removeItem(atPath: lockPath.string)
      throw error
    }
  }

  /// A name under `work/` that is ours by its lock. Another run's sweep may hold a lock file for the moment between its
  /// making and its locking; then the next name is tried.
  private func lockedName() throws -> (path: FilePath, lockPath: FilePath, lock: FileLock) {
    while true {
      let name = "\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)"
      let path = work.appending(name)
      let lockPath = FilePath(path.string + ".lock")
      if let lock = try FileLock.attempt(lockPath, .exclusive) { return (path, lockPath, lock) }
    }
  }

  /// The names under `work/` of what runs left that were killed before they could remove it: their locks are free.
  public func abandoned() -> [String] {
    Set(workNames()).sorted().filter { !FileLock.isHeld(work.appending("\($0).lock")) }
  }

  /// Where what has such a name lies.
  public func abandonedPlace(_ name: String) -> FilePath { work.appending(name) }

  /// Removes what killed runs left under `work/`.
  /// - Returns: the names of what was removed.
  @discardableResult public func sweep() async -> [String] {
    var removed: [String] = []
    for name in abandoned() {
      let lockPath = work.appending("\(name).lock")
      guard let lock = try? FileLock.attempt(lockPath, .exclusive) else { continue }
      defer { lock.release() }
      await Self.remove(work.appending(name))
      // What could not be removed keeps its lock file, and is found again.
      if FileManager.default.fileExists(atPath: work.appending(name).string) { continue }
      try? FileManager.default.removeItem(atPath: lockPath.string)
      removed.append(name)
    }
    return removed
  }

  /// Of directories and of locks: a run may have been killed between the one and the other.
  private func workNames() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: work.string)) ?? []).map { name in
      name.hasSuffix(".lock") ? String(name.dropLast(5)) : name
    }
  }

  /// Removes a directory tree off the cooperative pool, cancelled or not.
  public static func remove(_ path: FilePath) async {
    await Blocking.run {
      // overlayfs leaves a directory without any permission in its work directory; layers lie a level or two deeper.
      let manager = FileManager.default
      var candidates = [path]
      for _ in 0..<3 {
        for candidate in candidates {
          let inner = candidate.appending("overlay-work").appending("work")
          try? manager.setAttributes([.posixPermissions: 0o700], ofItemAtPath: inner.string)
        }
        candidates = candidates.flatMap { candidate in
          // Not into trees: they are large, and nothing of the sort is in them.
          candidate.lastComponent?.string.hasPrefix("overlay-") == true || candidate.lastComponent == "tree"
            ? []
            : ((try? manager.contentsOfDirectory(atPath: candidate.string)) ?? []).map { candidate.appending($0) }
        }
      }
      try? manager.removeItem(atPath: path.string)
      if manager.fileExists(atPath: path.string) {
        // A build may have closed directories to its own user.
        open(path)
        try? manager.removeItem(atPath: path.string)
      }
    }
  }

  /// Gives its owner all rights to a directory and to those in it. Links are not followed.
  static func open(_ directory: FilePath) {
    var status = stat()
    guard lstat(directory.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
    chmod(directory.string, status.st_mode & 0o777 | 0o700)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [] {
      open(directory.appending(name))
    }
  }
}
