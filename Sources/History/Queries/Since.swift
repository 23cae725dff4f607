// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
public import Foundation
internal import GRDB

extension HistoryStore {
  /// Returns when the last command began; `nil` if the history is empty.
  /// - Throws: ``HistoryError``
  public func lastCommand() throws(HistoryError) -> Date? {
    try read { db in
      try Double.fetchOne(
        db,
        sql: """
          SELECT min(started) FROM run
          WHERE command = (SELECT command FROM run ORDER BY started DESC, id DESC LIMIT 1)
          """
      ).map { Date(timeIntervalSince1970: $0) }
    }
  }

  /// Returns whether a run begins after a time that should be later than all: then a clock was wrong.
  /// - Throws: ``HistoryError``
  public func isAhead(of date: Date) throws(HistoryError) -> Bool {
    try read { db in
      let last = try Double.fetchOne(db, sql: "SELECT max(started) FROM run")
      return last.map { $0 > date.timeIntervalSince1970 + 60 } ?? false
    }
  }

  /// Returns when the command of a run began; `nil` if the history does not have it.
  /// - Parameter run: the directory of a run, or of a command, absolute.
  /// - Throws: ``HistoryError``
  public func start(of run: String) throws(HistoryError) -> Date? {
    try read { db in
      try Double.fetchOne(
        db,
        sql: """
          SELECT min(started) FROM run
          WHERE command = ? OR command IN (SELECT command FROM run WHERE directory = ?)
          """, arguments: [run, run]
      ).map { Date(timeIntervalSince1970: $0) }
    }
  }

  /// Returns what changed since a time: what was tried from then on, beside the last that was tried before, cell by cell.
  /// - Parameter others: the commands of others, who are told themselves; see ``RunRow/command``.
  /// - Throws: ``HistoryError``
  public func changes(since date: Date, ignoring others: Set<String> = []) throws(HistoryError) -> Changes {
    try read { db in
      let limit = date.timeIntervalSince1970
      let then = try Self.standings(db, "run.started < ?", limit)
      let now = try Self.standings(db, "run.started >= ?", limit)
        .filter { !others.contains($0.value.trial.command) }
      var changes = Changes(since: date)
      for (key, standing) in now.sorted(by: { $0.key < $1.key }) {
        guard let before = then[key] else {
          // In another cell it may be known; it is new only where it was never tried.
          changes.new.append(standing.trial)
          continue
        }
        if let (isWorse, change) = SeriesChange.between(before, standing) {
          if isWorse { changes.broken.append(change) } else { changes.fixed.append(change) }
        }
        for test in standing.flaky.subtracting(before.flaky).sorted() {
          changes.flaky.append(try Self.flaky(test, standing, before: limit, db))
        }
        if let slower = try Self.slower(standing, before: limit, db) { changes.slower.append(slower) }
      }
      let (older, newer) = (try Self.bases(db, "run.started < ?", limit), try Self.bases(db, "run.started >= ?", limit))
      changes.bases = newer.sorted { $0.key < $1.key }.compactMap { cell, base in
        older[cell].flatMap { BaseChange.between($0.base, base.base) }
      }
      // What the last run of a cell had, and no run of the cell has had since.
      let last = try Self.lastCommands(db, before: limit, ignoring: others)
      changes.gone = then.sorted { $0.key < $1.key }.filter { key, standing in
        guard now[key] == nil, newer[key.cell] != nil else { return false }
        return standing.trial.command == last[key.cell]
      }.map(\.value.trial)
      return changes
    }
  }

  /// A series in a cell.
  private struct Key: Hashable, Comparable {
    var lineage: String
    var cell: Int64

    static func < (a: Key, b: Key) -> Bool { (a.lineage, a.cell) < (b.lineage, b.cell) }
  }

  /// Returns the last trial of each series in each cell, of those in a time.
  private static func standings(_ db: Database, _ time: String, _ limit: Double) throws -> [Key: Standing] {
    let rows = try last(db, time, limit)
    var found: [Key: Standing] = [:]
    var plans: [Int64: Set<String>] = [:]
    for row in rows {
      let trial = ToldTrial(row)
      let plan: Int64 = row["plan"]
      if plans[plan] == nil {
        let names = try String.fetchOne(db, sql: "SELECT names FROM plan WHERE id = ?", arguments: [plan]) ?? ""
        plans[plan] = Set(names.split(separator: "\n").map(String.init))
      }
      var standing = Standing(
        trial: trial, cell: row["cell_number"], lineage: row["lineage_number"], plan: plans[plan]!)
      let results = try db.cachedStatement(
        sql: """
          SELECT test.name, result.worse, result.change, \(isFlaky) AS flaky
          FROM result JOIN test ON test.id = result.test WHERE result.trial = ?
          """)
      for result in try Row.fetchAll(results, arguments: [trial.number]) {
        if result["worse"] { standing.worse.insert(result["name"]) }
        if result["change"] as String? == "fixed" { standing.fixed.insert(result["name"]) }
        if result["flaky"] { standing.flaky.insert(result["name"]) }
      }
      let base = try Int64.fetchOne(
        db, sql: "SELECT id FROM trial WHERE run = ? AND lineage IS NULL", arguments: [row["run"] as Int64])
      standing.failing = try base.map { try Set(failing($0, db)) } ?? []
      let reports = try db.cachedStatement(
        sql: "SELECT title.text FROM report JOIN title ON title.id = report.title WHERE trial = ? AND new")
      standing.reports = try Set(String.fetchAll(reports, arguments: [trial.number]))
      found[Key(lineage: trial.lineage, cell: row["cell_number"])] = standing
    }
    return found
  }

  /// Returns a row for the last trial of each series in each cell, of those in a time. A run of only some tests says
  /// too little to be compared with another one.
  static func last(_ db: Database, _ time: String, _ limit: Double) throws -> [Row] {
    let lineages = try Int64.fetchAll(db, sql: "SELECT id FROM lineage")
    let cells = try Int64.fetchAll(db, sql: "SELECT id FROM cell")
    // The order of the joins is given: from the cell's newest run backwards, which mostly has the series.
    let last = try db.cachedStatement(
      sql: """
        SELECT \(ToldTrial.columns), run.cell AS cell_number, trial.plan, trial.run, trial.lineage AS lineage_number
        FROM run CROSS JOIN trial ON trial.run = run.id AND trial.lineage = ?
        JOIN cell ON cell.id = run.cell JOIN lineage ON lineage.id = trial.lineage
        WHERE run.cell = ? AND NOT run.part AND \(time) ORDER BY run.started DESC, trial.version DESC LIMIT 1
        """)
    return try lineages.flatMap { lineage in
      try cells.compactMap { cell in try Row.fetchOne(last, arguments: [lineage, cell, limit]) }
    }
  }

  /// Returns the last base of each cell, by the cell's number, and its command, of those in a time.
  private static func bases(
    _ db: Database, _ time: String, _ limit: Double
  ) throws -> [Int64: (base: ToldBase, command: String)] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT run.cell AS number, run.command, run.started, run.directory, run.ground, trial.id AS trial, trial.reason,
          cell.*
        FROM run JOIN cell ON cell.id = run.cell JOIN trial ON trial.run = run.id AND trial.lineage IS NULL
        JOIN (SELECT cell AS c, max(started) AS s FROM run WHERE NOT part AND \(time) GROUP BY 1) AS last
          ON last.c = run.cell AND last.s = run.started
        """, arguments: [limit])
    var found: [Int64: (ToldBase, String)] = [:]
    for row in rows {
      let ground = try JSONDecoder().decode(RunRow.Ground.self, from: Data((row["ground"] as String).utf8))
      found[row["number"]] = (
        ToldBase(
          cell: Cell(row), started: Date(timeIntervalSince1970: row["started"]), directory: row["directory"],
          ground: ground, ailment: row["reason"], failing: try failing(row["trial"], db)), row["command"]
      )
    }
    return found
  }

  /// Returns the last command of each cell before a time, by the cell's number.
  private static func lastCommands(
    _ db: Database, before limit: Double, ignoring others: Set<String>
  ) throws -> [Int64: String] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT cell, command, max(started) FROM run WHERE NOT part AND started < ? GROUP BY cell, command ORDER BY 3
        """, arguments: [limit])
    return Dictionary(
      rows.map { ($0["cell"], $0["command"]) }.filter { !others.contains($1) }, uniquingKeysWith: { $1 })
  }

  /// The tests that fail in a trial of a base.
  private static func failing(_ trial: Int64, _ db: Database) throws -> [String] {
    let statement = try db.cachedStatement(
      sql: """
        SELECT test.name FROM result JOIN test ON test.id = result.test
        WHERE result.trial = ? AND result.status IN ('not-ok', 'crash', 'timeout') ORDER BY 1
        """)
    return try String.fetchAll(statement, arguments: [trial])
  }

  private static func flaky(_ test: String, _ standing: Standing, before limit: Double, _ db: Database) throws
    -> FlakyTest
  {
    guard let number = try Int64.fetchOne(db, sql: "SELECT id FROM test WHERE name = ?", arguments: [test]) else {
      return FlakyTest(test: test, trial: standing.trial, before: 0, of: 0)
    }
    let before = try db.cachedStatement(
      sql: """
        SELECT count(*) FROM result JOIN trial ON trial.id = result.trial JOIN run ON run.id = trial.run
        WHERE result.test = ? AND run.cell = ? AND run.started < ? AND \(isFlaky)
        """)
    let of = try db.cachedStatement(
      sql: """
        SELECT count(*) FROM run CROSS JOIN trial ON trial.run = run.id
        WHERE run.cell = ? AND run.started < ? AND trial.plan IN (SELECT plan FROM plan_test WHERE test = ?)
        """)
    return FlakyTest(
      test: test, trial: standing.trial,
      before: try Int.fetchOne(before, arguments: [number, standing.cell, limit]) ?? 0,
      of: try Int.fetchOne(of, arguments: [standing.cell, limit, number]) ?? 0)
  }

  /// A trial is slower if it takes half as long again as usual, and half a minute more: less is noise.
  private static func slower(_ standing: Standing, before limit: Double, _ db: Database) throws -> SlowerTrial? {
    guard !standing.trial.isReused, let seconds = standing.trial.seconds else { return nil }
    let last = try db.cachedStatement(
      sql: """
        SELECT trial.seconds FROM run CROSS JOIN trial ON trial.run = run.id AND trial.lineage = ?
        WHERE run.cell = ? AND run.started < ? AND NOT trial.reused AND trial.seconds IS NOT NULL
        ORDER BY run.started DESC LIMIT 7
        """)
    let past = try Double.fetchAll(last, arguments: [standing.lineage, standing.cell, limit])
    guard !past.isEmpty else { return nil }
    let usual = past.sorted()[past.count / 2]
    return seconds > usual * 1.5 && seconds > usual + 30 ? SlowerTrial(trial: standing.trial, usual: usual) : nil
  }
}
