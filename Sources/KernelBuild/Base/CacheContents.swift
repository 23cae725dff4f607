// SPDX-License-Identifier: Apache-2.0

public import Foundation
import SystemPackage
import Toolbox

/// One entry of the cache.
public struct CacheEntry: Sendable, Hashable, Codable {
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// A built base, or one whose build was interrupted.
    case base
    /// All kept results together.
    case trials
    /// All of ccache's objects together.
    case objects
    /// A kernel repository that was fetched.
    case source
    /// libguestfs' own guest, which reads state disks.
    case appliance
    /// A run's working directory, or what a killed run left.
    case scratch
    /// The tree of a tool that patchbench was timed against.
    case benchmark
  }

  public var kind: Kind
  public var name: String
  /// In bytes, as allocated on the disk.
  public var size: Int64
  /// The number of items: results, objects.
  public var count: Int?
  public var lastUsed: Date?
  /// A run is using it.
  public var inUse: Bool
  /// What limits its growth: `at most 4.0 GiB`.
  public var bound: String?
}

extension Cache {
  /// The number of bases kept per kernel and profile when another is built: the latest source, and the one before.
  public static let basesPerProfile = 2
  /// The maximum number of results kept; each takes a few hundred kilobytes.
  public static let mostTrials = 2000

  /// The cache's entries, the largest kinds first. It reads sizes with du(1), so it takes a while.
  public func contents() async throws -> [CacheEntry] {
    var entries: [CacheEntry] = []
    for name in names(in: bases) {
      entries.append(
        CacheEntry(
          kind: .base, name: name, size: try await DiskUsage.bytes(of: [bases.appending(name)]),
          lastUsed: modified(bases.appending(name).appending("built")),
          inUse: isLocked(bases.appending("\(name).lock")),
          bound: "\(Self.basesPerProfile) for each kernel and profile"))
    }
    entries.append(
      CacheEntry(
        kind: .objects, name: "ccache", size: try await DiskUsage.bytes(of: [objects]), inUse: false,
        bound: "at most \(Kbuild.mostObjects >> 30) GiB"))
    let kept = names(in: trials)
    entries.append(
      CacheEntry(
        kind: .trials, name: "results", size: try await DiskUsage.bytes(of: [trials]), count: kept.count,
        lastUsed: kept.compactMap { modified(trials.appending($0)) }.max(), inUse: false,
        bound: "at most \(Self.mostTrials)"))
    for name in names(in: sources) {
      entries.append(
        CacheEntry(
          kind: .source, name: name, size: try await DiskUsage.bytes(of: [sources.appending(name)]), inUse: false))
    }
    for name in names(in: benchmark) {
      let path = benchmark.appending(name)
      entries.append(
        CacheEntry(
          kind: .benchmark, name: name, size: try await DiskUsage.bytes(of: [path]), lastUsed: modified(path),
          inUse: isLocked(benchmark.appending("\(name).lock"))))
    }
    if !names(in: appliance).isEmpty {
      entries.append(
        CacheEntry(
          kind: .appliance, name: "libguestfs", size: try await DiskUsage.bytes(of: [appliance]),
          lastUsed: modified(appliance), inUse: isLocked(applianceLock), bound: "one"))
    }
    for name in names(in: work) {
      entries.append(
        CacheEntry(
          kind: .scratch, name: name, size: try await DiskUsage.bytes(of: [work.appending(name)]),
          inUse: isLocked(work.appending("\(name).lock")), bound: "removed with its run"))
    }
    return entries
  }

  /// Removes everything unused since `day`, except what is in use.
  /// - Returns: the removed entries.
  public func prune(unusedSince day: Date) async throws -> [CacheEntry] {
    var removed: [CacheEntry] = []
    for entry in try await contents() where !entry.inUse {
      switch entry.kind {
      case .base:
        if entry.lastUsed ?? .distantPast < day, await removeBase(entry.name) { removed.append(entry) }
      case .trials:
        var gone = entry
        gone.count = 0
        gone.size = 0
        for name in names(in: trials) where modified(trials.appending(name)) ?? .distantPast < day {
          gone.count! += 1
          gone.size += try await DiskUsage.bytes(of: [trials.appending(name)])
          await Self.remove(trials.appending(name))
        }
        if gone.count! > 0 { removed.append(gone) }
      case .objects:
        let before = entry.size
        // ccache manages its own files, and may be in use.
        let age = max(0, Int(-day.timeIntervalSinceNow))
        _ = try await Tool(
          "ccache", ["--evict-older-than", "\(age)s"],
          environment: Tool.plainEnvironment.merging(["CCACHE_DIR": objects.string, "CCACHE_CONFIGPATH": "/dev/null"]) {
            $1
          }
        ).output()
        var gone = entry
        gone.size = before - (try await DiskUsage.bytes(of: [objects]))
        if gone.size > 0 { removed.append(gone) }
      case .source:
        // It is fetched again when needed; its mtime is that of the last fetch.
        let path = sources.appending(entry.name)
        if modified(path) ?? .distantPast < day {
          await Self.remove(path)
          removed.append(entry)
        }
      case .benchmark:
        let lock = try FileLock.attempt(benchmark.appending("\(entry.name).lock"), .exclusive)
        defer { lock?.release() }
        if lock != nil, entry.lastUsed ?? .distantPast < day {
          await Self.remove(benchmark.appending(entry.name))
          removed.append(entry)
        }
      case .appliance:
        let lock = try FileLock.attempt(applianceLock, .exclusive)
        defer { lock?.release() }
        if lock != nil, entry.lastUsed ?? .distantPast < day {
          await Self.remove(appliance)
          removed.append(entry)
        }
      case .scratch: break
      }
    }
    await sweep()
    return removed
  }

  /// Keeps the cache within its limits; called after each run. It keeps what other runs use.
  /// - Parameter base: the base that was used, which is also kept.
  public func bound(keeping base: BaseBuild) async {
    let home = base.tree.removingLastComponent().lastComponent!.string
    let family = home.prefix(home.count - 12)
    let older = names(in: bases).filter { $0.hasPrefix(family) && $0.count == home.count && $0 != home }
      .sorted { used($0) > used($1) }
    for name in older.dropFirst(Self.basesPerProfile - 1) { _ = await removeBase(name) }
    let kept = names(in: trials)
    guard kept.count > Self.mostTrials else { return }
    let ages = kept.map { ($0, modified(trials.appending($0)) ?? .distantPast) }.sorted { $0.1 > $1.1 }
    for (name, _) in ages.dropFirst(Self.mostTrials) { await Self.remove(trials.appending(name)) }
  }

  private func used(_ base: String) -> Date { modified(bases.appending(base).appending("built")) ?? .distantPast }

  /// Removes a base that is not in use. Its lock file stays, see ``FileLock``.
  private func removeBase(_ name: String) async -> Bool {
    guard let lock = try? FileLock.attempt(bases.appending("\(name).lock"), .exclusive) else { return false }
    defer { lock.release() }
    // The mark first: a half-removed base must not count as built.
    try? FileManager.default.removeItem(atPath: bases.appending(name).appending("built").string)
    await BaseBuild.remove(bases.appending(name))
    return true
  }

  private func names(in directory: FilePath) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [])
      .filter { !$0.hasSuffix(".lock") }.sorted()
  }

  private func modified(_ path: FilePath) -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: path.string))?[.modificationDate] as? Date
  }

  /// Whether the lock is held. The answer may already be out of date.
  private func isLocked(_ path: FilePath) -> Bool {
    guard FileManager.default.fileExists(atPath: path.string) else { return false }
    return (try? FileLock.attempt(path, .exclusive)) == nil
  }
}
