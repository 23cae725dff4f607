// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import GRDB
internal import GuestProtocol
public import SystemPackage
internal import Toolbox
internal import Verdicts

extension HistoryStore {
  /// Adds a run, all of it or nothing. A run that is there already is replaced: it may have been resumed.
  /// - Throws: ``HistoryError``
  public func add(_ run: RunRow) throws(HistoryError) {
    try write { db in
      // While the database is locked, because another process may remove lines.
      try list(run.directory)
      try Self.insert(run, db)
    }
  }

  /// Makes the database again from runs, in the order of their start. Until that is done, the old one stays.
  /// - Throws: ``HistoryError``
  public static func rebuild(in state: FilePath, from runs: some Sequence<RunRow>) throws(HistoryError) {
    let final = file(in: state)
    let partial = FilePath(final.string + ".partial")
    do {
      let manager = FileManager.default
      try manager.createDirectory(atPath: state.string, withIntermediateDirectories: true)
      for suffix in ["", "-wal", "-shm"] { try? manager.removeItem(atPath: partial.string + suffix) }
      let queue = try open(partial)
      try queue.write { db in
        for run in runs.sorted(by: { ($0.started, $0.id) < ($1.started, $1.id) }) { try insert(run, db) }
      }
      // With the log folded in, the database is one file, which can be renamed.
      try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
      try queue.close()
      for suffix in ["-wal", "-shm"] { try? manager.removeItem(atPath: final.string + suffix) }
      guard rename(partial.string, final.string) == 0 else { throw Errno(rawValue: errno) }
      try DurableFile.sync(state)
    } catch { throw HistoryError(error, final.string) }
  }

  private static func insert(_ run: RunRow, _ db: Database) throws {
    try db.execute(sql: "DELETE FROM run WHERE record = ?", arguments: [run.id])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let ground = String(decoding: try encoder.encode(run.ground), as: UTF8.self)
    try db.execute(
      sql: """
        INSERT INTO run (record, directory, command, cell, started, finished, part, ground)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run.id, run.directory, run.command, try id(of: run.cell, db), run.started.timeIntervalSince1970,
        run.finished?.timeIntervalSince1970, run.isPart, ground,
      ])
    let number = db.lastInsertedRowID
    for (place, trial) in run.trials.enumerated() { try insert(trial, at: place, run: number, db) }
  }

  private static func insert(_ trial: TrialRow, at place: Int, run: Int64, _ db: Database) throws {
    let series = trial.series
    try db.cachedStatement(
      sql: """
        INSERT INTO trial (run, place, lineage, name, version, message, verdict, reason, seconds, reused, plan, evidence)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      run, place, try series.map { try id("lineage", "key", $0.lineage, db) }, series?.name, series?.version,
      series?.messageID, trial.verdict?.rawValue, trial.reason, trial.seconds, trial.isReused,
      try plan(trial.plan, db), trial.hasEvidence,
    ])
    let number = db.lastInsertedRowID
    let patches = try db.cachedStatement(sql: "INSERT OR IGNORE INTO patch (id, trial) VALUES (?, ?)")
    for id in series?.patches ?? [] { try patches.execute(arguments: [id, number]) }
    let results = try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO result (test, trial, status, change, ok, tries, base_ok, base_tries, worse, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for result in trial.results {
      let test = try id("test", "name", result.test, db)
      try results.execute(arguments: [
        test, number, result.status.rawValue, result.change?.rawValue, result.tries.ok, result.tries.of,
        result.baseTries.ok, result.baseTries.of, result.isWorse, result.reason,
      ])
    }
    for report in trial.reports {
      let title = try id("title", "text", report.title, db)
      try db.cachedStatement(sql: "INSERT INTO report (title, trial, count, new) VALUES (?, ?, ?, ?)")
        .execute(arguments: [title, number, report.count, report.isNew])
    }
  }

  private static func plan(_ names: [String], _ db: Database) throws -> Int64 {
    let text = names.joined(separator: "\n")
    if let known = try Int64.fetchOne(
      try db.cachedStatement(sql: "SELECT id FROM plan WHERE names = ?"), arguments: [text])
    {
      return known
    }
    try db.execute(sql: "INSERT INTO plan (names) VALUES (?)", arguments: [text])
    let plan = db.lastInsertedRowID
    for name in names {
      try db.execute(
        sql: "INSERT OR IGNORE INTO plan_test (plan, test) VALUES (?, ?)",
        arguments: [plan, try id("test", "name", name, db)])
    }
    return plan
  }

  /// Returns the number of a name, which is kept once.
  private static func id(_ table: String, _ column: String, _ text: String, _ db: Database) throws -> Int64 {
    let find = try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE \(column) = ?")
    if let known = try Int64.fetchOne(find, arguments: [text]) { return known }
    try db.execute(sql: "INSERT INTO \(table) (\(column)) VALUES (?)", arguments: [text])
    return db.lastInsertedRowID
  }

  private static func id(of cell: Cell, _ db: Database) throws -> Int64 {
    let values: StatementArguments = [
      cell.kernel, cell.profile, cell.architecture, cell.toolchain, cell.extent.rawValue, cell.guest,
    ]
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO cell (kernel, profile, architecture, toolchain, extent, guest) VALUES (?, ?, ?, ?, ?, ?)
        """, arguments: values)
    return try Int64.fetchOne(
      db,
      sql: """
        SELECT id FROM cell WHERE kernel = ? AND profile = ? AND architecture = ? AND toolchain = ? AND extent = ?
        AND guest = ?
        """, arguments: values)!
  }
}
