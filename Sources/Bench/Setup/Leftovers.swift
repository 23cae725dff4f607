// SPDX-License-Identifier: Apache-2.0

import GuestMachine
public import KernelBuild
import SystemPackage
import Toolbox

/// What runs left that were killed before they could clear away: found by locks that nobody holds and by owners that are
/// no more, so that nothing of a run that goes on, or of another user, is ever among it.
///
/// Mounts are none of it: those of a build live in its processes' own namespaces and go with them.
public struct Leftovers: Sendable, Hashable, Codable {
  /// Of builds and other tools.
  public var processes: [Process]
  public var guests: [Guest]
  /// Under the cache's `work/`.
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
    /// In bytes, as they lay on the disk.
    public var size: Int64
  }

  public var isEmpty: Bool { processes.isEmpty && guests.isEmpty && directories.isEmpty }

  private init(processes: [LeftoverProcess], guests: [LeftoverGuest], directories: [Directory]) {
    self.processes = processes.map { Process(process: $0.process, name: $0.name, owner: $0.owner.process) }
    self.guests = guests.map { Guest(process: $0.process, name: $0.name) }
    self.directories = directories
  }

  /// What there is now.
  /// - Throws: ``ToolError`` if sizes cannot be read.
  public static func find(_ cache: Cache, environment: [String: String]) async throws -> Leftovers {
    let (processes, guests) = await Blocking.run {
      (LeftoverProcess.all(), EmbeddedRoot.leftoverGuests(environment: environment))
    }
    return Leftovers(processes: processes, guests: guests, directories: try await directories(cache))
  }

  /// Ends and removes it; first the processes, since they write into the directories.
  /// - Returns: what was ended and removed.
  public static func remove(_ cache: Cache, environment: [String: String]) async throws -> Leftovers {
    let (processes, guests) = await end(environment)
    // A process that has been ended may have held some.
    let sizes = try await directories(cache)
    let removed = Set(await cache.sweep())
    return Leftovers(
      processes: processes, guests: guests, directories: sizes.filter { removed.contains($0.name) })
  }

  /// The same for a run that begins, which has nobody to tell and no time to measure.
  static func clear(_ cache: Cache, environment: [String: String]) async {
    _ = await end(environment)
    await cache.sweep()
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
