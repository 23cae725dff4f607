// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
public import SystemPackage
import Toolbox

/// Everything that patchbench keeps between runs: built bases, results, and what it probed.
///
///     bases/NAME/       one built base: tree, resolved configuration, log; guarded by NAME.lock next to it
///     trials/KEY/       the result of a base or a series
///     objects/          compiled objects, managed by ccache
///     work/ID/          files of a running series; removed when it ends, by the next run, or by `patchbench clean`
///     machine/          what was probed of this machine
///     appliance/        libguestfs' own guest
///     benchmark/NAME/   the tree of a tool that patchbench was timed against; guarded by NAME.lock next to it
public struct Cache: Sendable, Hashable {
  public var root: FilePath
  /// What replaces `work/`; `nil` if nothing does.
  private var scratch: FilePath?

  /// - Throws: file system errors if the directories cannot be made.
  public init(_ root: FilePath) throws {
    self.root = root
    for name in ["bases", "trials", "work", "machine", "sources", "objects", "benchmark", "appliance"] {
      try FileManager.default.createDirectory(
        atPath: root.appending(name).string, withIntermediateDirectories: true)
    }
  }

  /// Puts the directories of running series somewhere else, for a cache that several machines share.
  /// - Throws: file system errors if the directory cannot be made.
  public mutating func use(scratch: FilePath) throws {
    try FileManager.default.createDirectory(atPath: scratch.string, withIntermediateDirectories: true)
    self.scratch = scratch
  }

  /// `$PATCHBENCH_CACHE`, or `patchbench` in `$XDG_CACHE_HOME` or `~/.cache`.
  public static func standardRoot(environment: [String: String]) -> FilePath {
    if let path = environment["PATCHBENCH_CACHE"], !path.isEmpty { return FilePath(path) }
    if let path = environment["XDG_CACHE_HOME"], path.hasPrefix("/") { return FilePath(path).appending("patchbench") }
    return FilePath(environment["HOME"] ?? "/tmp").appending(".cache").appending("patchbench")
  }

  /// The directory of built bases, with a directory and a lock for each.
  public var bases: FilePath { root.appending("bases") }

  var sources: FilePath { root.appending("sources") }
  var work: FilePath { scratch ?? root.appending("work") }

  /// ccache's directory.
  var objects: FilePath { root.appending("objects") }

  /// The directory of kept results, with a directory for each.
  public var trials: FilePath { root.appending("trials") }

  /// The directory where libguestfs keeps its appliance.
  public var appliance: FilePath { root.appending("appliance") }
  /// Held while the appliance is in use.
  public var applianceLock: FilePath { root.appending("appliance.lock") }

  /// The directory of other tools' trees, with a directory and a lock for each.
  public var benchmark: FilePath { root.appending("benchmark") }

  /// The free space of the cache's file system, in bytes.
  public var freeSpace: Int64 {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: root.string)
    return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
  }

  /// Passes a new directory under `work/` to `body` and removes it afterwards, however `body` ends.
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

  /// Returns a name under `work/` whose lock we hold. Another run's sweep may take a lock file between its creation and
  /// its locking; then the next name is tried.
  private func lockedName() throws -> (path: FilePath, lockPath: FilePath, lock: FileLock) {
    while true {
      let name = "\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)"
      let path = work.appending(name)
      let lockPath = FilePath(path.string + ".lock")
      if let lock = try FileLock.attempt(lockPath, .exclusive) { return (path, lockPath, lock) }
    }
  }

  /// The names under `work/` that killed runs left behind: their locks are free.
  public func abandoned() -> [String] {
    Set(workNames()).sorted().filter { !FileLock.isHeld(work.appending("\($0).lock")) }
  }

  /// The path of such a name.
  public func abandonedPlace(_ name: String) -> FilePath { work.appending(name) }

  /// Removes what killed runs left under `work/`.
  /// - Returns: the names that were removed.
  @discardableResult public func sweep() async -> [String] {
    var removed: [String] = []
    for name in abandoned() {
      let lockPath = work.appending("\(name).lock")
      guard let lock = try? FileLock.attempt(lockPath, .exclusive) else { continue }
      defer { lock.release() }
      await Self.remove(work.appending(name))
      // If removal failed, the lock file stays, so that the next sweep finds it.
      if FileManager.default.fileExists(atPath: work.appending(name).string) { continue }
      try? FileManager.default.removeItem(atPath: lockPath.string)
      removed.append(name)
    }
    return removed
  }

  /// The names of directories and locks: a run may have been killed between creating the two.
  private func workNames() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: work.string)) ?? []).map { name in
      name.hasSuffix(".lock") ? String(name.dropLast(5)) : name
    }
  }

  /// Removes a directory tree, off the cooperative pool, even if the task is cancelled.
  public static func remove(_ path: FilePath) async {
    await Blocking.run {
      // overlayfs leaves a directory without any permissions in its work directory; layers are a level or two deeper.
      let manager = FileManager.default
      var candidates = [path]
      for _ in 0..<3 {
        for candidate in candidates {
          let inner = candidate.appending("overlay-work").appending("work")
          try? manager.setAttributes([.posixPermissions: 0o700], ofItemAtPath: inner.string)
        }
        candidates = candidates.flatMap { candidate in
          // Skip trees: they are large, and have no such directories.
          candidate.lastComponent?.string.hasPrefix("overlay-") == true || candidate.lastComponent == "tree"
            ? []
            : ((try? manager.contentsOfDirectory(atPath: candidate.string)) ?? []).map { candidate.appending($0) }
        }
      }
      try? manager.removeItem(atPath: path.string)
      if manager.fileExists(atPath: path.string) {
        // A build may have removed its own permissions on directories.
        open(path)
        try? manager.removeItem(atPath: path.string)
      }
    }
  }

  /// Gives the owner all permissions on a directory and the directories below it. Symlinks are not followed.
  static func open(_ directory: FilePath) {
    var status = stat()
    guard lstat(directory.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
    chmod(directory.string, status.st_mode & 0o777 | 0o700)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [] {
      open(directory.appending(name))
    }
  }
}
