// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
public import SystemPackage
internal import Toolbox

/// The history of the runs on this machine: a SQLite database that is a fold of the runs' records.
///
/// It lies in the state directory as `history.sqlite`, in WAL mode: readers and one writer do not wait for each other,
/// and writers take turns. Beside it, `runs` lists the directory of each run that was added, one a line, so that the
/// database can be made again from the records if it is lost. Its calls block, so call them in `Blocking.run`.
public final class HistoryStore: Sendable {
  /// The database's file.
  public let path: FilePath
  let database: DatabaseQueue

  /// How long a writer waits for another one, in seconds. Adding a night takes far less.
  private static let patience = 60.0

  /// Opens the history of a state directory, and creates what is missing.
  /// - Throws: ``HistoryError``
  public init(in state: FilePath) throws(HistoryError) {
    path = Self.file(in: state)
    do {
      try FileManager.default.createDirectory(atPath: state.string, withIntermediateDirectories: true)
      database = try Self.open(path)
    } catch { throw HistoryError(error, path.string) }
  }

  /// Whether a state directory has a history.
  public static func exists(in state: FilePath) -> Bool {
    FileManager.default.fileExists(atPath: file(in: state).string)
  }

  static func file(in state: FilePath) -> FilePath { state.appending("history.sqlite") }

  static func open(_ path: FilePath) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(patience)
    configuration.foreignKeysEnabled = true
    configuration.prepareDatabase { db in
      // A night that was added must not be lost with the power.
      try db.execute(sql: "PRAGMA synchronous = FULL")
    }
    // Of two that open a new file at once, the second one would see half of it.
    let lock = try claim(path)
    defer { lock.release() }
    try refuseIfNewer(path)
    let queue = try DatabaseQueue(path: path.string, configuration: configuration)
    try Schema.migrator.migrate(queue)
    return queue
  }

  /// It is only read: to turn on WAL mode, GRDB writes.
  private static func refuseIfNewer(_ path: FilePath) throws {
    guard FileManager.default.fileExists(atPath: path.string) else { return }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(patience)
    let queue = try DatabaseQueue(path: path.string, configuration: configuration)
    let isNewer = try queue.read { try Schema.migrator.hasBeenSuperseded($0) }
    try queue.close()
    if isNewer { throw HistoryError.newer(path: path.string) }
  }

  /// Takes the lock for opening a file, as soon as it is free.
  private static func claim(_ path: FilePath) throws -> FileLock {
    let end = ContinuousClock.now + .seconds(patience)
    while true {
      if let lock = try FileLock.attempt(FilePath(path.string + ".lock"), .exclusive) { return lock }
      if .now > end { throw HistoryError.busy(path: path.string) }
      usleep(20_000)
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    do { return try database.read(body) } catch { throw HistoryError(error, path.string) }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
    // The database is locked before anything is read, so that two writers never work on what the other one changes.
    do {
      return try database.writeWithoutTransaction { db in
        var value: Value?
        try db.inTransaction(.immediate) {
          value = try body(db)
          return .commit
        }
        return value!
      }
    } catch { throw HistoryError(error, path.string) }
  }
}

extension HistoryStore {
  /// The directories of the runs that were added, in the order in which they were.
  public static func listed(in state: FilePath) -> [String] {
    let text = FileManager.default.contents(atPath: state.appending("runs").string) ?? Data()
    var seen: Set<String> = []
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init).filter {
      seen.insert($0).inserted
    }
  }

  /// Adds a run's directory to the list. It is on the disk before the database knows of the run.
  func list(_ directory: String) throws {
    let state = path.removingLastComponent()
    if directory.contains("\n") || Self.listed(in: state).contains(directory) { return }
    let file = try FileDescriptor.open(
      state.appending("runs"), .writeOnly, options: [.create, .append, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter {
      try file.writeAll(Array((directory + "\n").utf8))
      try file.sync()
    }
  }

  /// Removes a run's directory from the list.
  func unlist(_ directory: String) throws {
    let state = path.removingLastComponent()
    let left = Self.listed(in: state).filter { $0 != directory }
    try DurableFile.write(Array(left.map { $0 + "\n" }.joined().utf8), to: state.appending("runs"))
  }
}
