// SPDX-License-Identifier: Apache-2.0

import GuestMachine
public import KernelBuild
import SystemPackage
import Toolbox

/// What killed runs left behind. It is found by locks that nobody holds and by owner processes that no longer exist, so
/// it never includes anything of a run that is still going, or of another user.
///
/// It has no mounts: a build's mounts are in the mount namespace of its processes, and disappear with them.
public struct Leftovers: Sendable, Hashable, Codable {
  /// Processes of builds and other tools.
  public var processes: [Process]
  public var guests: [Guest]
  /// Directories under the cache's `work/`.
  public var directories: [Directory]

  public struct Process: Sendable, Hashable, Codable {
    public var process: Int32
    public var name: String
    /// The run's own process, which is gone.
    public var owner: Int32
  }

  public struct Guest: Sendable, Hashable, Codable {
    public var process: Int32
    public var name: String
  }

  public struct Directory: Sendable, Hashable, Codable {
    public var name: String
    /// The space on disk, in bytes.
    public var size: Int64
  }

  public var isEmpty: Bool { processes.isEmpty && guests.isEmpty && directories.isEmpty }

  private init(processes: [LeftoverProcess], guests: [LeftoverGuest], directories: [Directory]) {
    self.processes = processes.map { Process(process: $0.process, name: $0.name, owner: $0.owner.process) }
    self.guests = guests.map { Guest(process: $0.process, name: $0.name) }
    self.directories = directories
  }

  /// Finds what is left now.
  /// - Throws: ``ToolError`` if sizes cannot be read.
  public static func find(_ cache: Cache, environment: [String: String]) async throws -> Leftovers {
    let (processes, guests) = await Blocking.run {
      (LeftoverProcess.all(), EmbeddedRoot.leftoverGuests(environment: environment))
    }
    return Leftovers(processes: processes, guests: guests, directories: try await directories(cache))
  }

  /// Ends and removes what is left. Processes are ended first, because they write into the directories.
  /// - Returns: what was ended and removed.
  public static func remove(_ cache: Cache, environment: [String: String]) async throws -> Leftovers {
    let (processes, guests) = await end(environment)
    // Only now, because a process that has just been ended may have held a directory.
    let sizes = try await directories(cache)
    let removed = Set(await cache.sweep())
    return Leftovers(
      processes: processes, guests: guests, directories: sizes.filter { removed.contains($0.name) })
  }

  /// Does the same at the beginning of a run, without measuring or reporting.
  static func clear(_ cache: Cache, environment: [String: String]) async {
    _ = await end(environment)
    await cache.sweep()
  }

  /// Kills what this process has started, for an exit that waits for nothing. Directories are left to the next run.
  public static func endOwn(environment: [String: String]) {
    LeftoverProcess.killOwn()
    EmbeddedRoot.endOwnGuests()
    // Those of trials that ran in processes of their own, which are dead by now.
    _ = EmbeddedRoot.endLeftGuests(environment: environment)
  }

  private static func end(_ environment: [String: String]) async -> ([LeftoverProcess], [LeftoverGuest]) {
    await Blocking.run { (LeftoverProcess.killAll(), EmbeddedRoot.endLeftGuests(environment: environment)) }
  }

  private static func directories(_ cache: Cache) async throws -> [Directory] {
    var found: [Directory] = []
    for name in cache.abandoned() {
      found.append(Directory(name: name, size: try await DiskUsage.bytes(of: [cache.abandonedPlace(name)])))
    }
    return found
  }
}
