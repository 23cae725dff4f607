// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import GRDB

extension HistoryStore {
  /// Returns the last trial of each series in each cell, the series that was tried last first.
  /// - Throws: ``HistoryError``
  public func latest() throws(HistoryError) -> [ToldTrial] {
    try read { db in
      try Self.last(db, "run.started < ?", .infinity).map(ToldTrial.init).sorted {
        ($1.started, $0.lineage, $0.cell.words) < ($0.started, $1.lineage, $1.cell.words)
      }
    }
  }

  /// Returns all trials of a series and its other versions, the newest first.
  /// - Parameter key: its lineage, a name, or a Message-ID, with or without angle brackets.
  /// - Throws: ``HistoryError``
  public func trials(of key: String) throws(HistoryError) -> [ToldTrial] {
    let message = key.trimming("<>")
    return try trials(
      """
      trial.lineage IN (
        SELECT id FROM lineage WHERE key = ? UNION SELECT lineage FROM trial WHERE name = ? OR message IN (?, ?)
      )
      """, [key, key, message, "<\(message)>"])
  }

  /// Returns the trials of any series that has a patch, the newest first.
  /// - Parameter id: as `git patch-id --stable` gives it.
  /// - Throws: ``HistoryError``
  public func trials(withPatch id: String) throws(HistoryError) -> [ToldTrial] {
    try trials("trial.id IN (SELECT trial FROM patch WHERE id = ?)", [id])
  }

  /// Returns the trials of the one version of a series that has a Message-ID, the newest first.
  /// - Parameter id: without angle brackets.
  /// - Throws: ``HistoryError``
  public func trials(withMessageID id: String) throws(HistoryError) -> [ToldTrial] {
    try trials("trial.message IN (?, ?)", [id, "<\(id)>"])
  }

  private func trials(_ condition: String, _ arguments: StatementArguments) throws(HistoryError) -> [ToldTrial] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT \(ToldTrial.columns) FROM \(ToldTrial.tables) WHERE \(condition)
          ORDER BY run.started DESC, cell.kernel, cell.profile, trial.version DESC
          """, arguments: arguments
      ).map(ToldTrial.init)
    }
  }

  /// Returns the names of the series, and of the tests or titles, that contain a text: what the user may have meant.
  /// - Throws: ``HistoryError``
  public func names(like text: String, in kind: Kind) throws(HistoryError) -> [String] {
    try read { db in
      let column = kind.column
      return try String.fetchAll(
        db,
        sql: """
          SELECT DISTINCT \(column) FROM \(kind.table) WHERE instr(lower(\(column)), lower(?)) > 0 ORDER BY 1 LIMIT 20
          """, arguments: [text])
    }
  }

  /// What has a history.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case series, test, report, kernel
  }

  /// Returns the bases of a kernel, the newest first.
  /// - Parameter kernel: its name under Kernels/.
  /// - Throws: ``HistoryError``
  public func bases(of kernel: String) throws(HistoryError) -> [ToldBase] {
    try read { db in
      let failing = Dictionary(
        grouping: try Row.fetchAll(
          db,
          sql: """
            SELECT trial.run, test.name FROM result JOIN trial ON trial.id = result.trial
            JOIN test ON test.id = result.test JOIN run ON run.id = trial.run JOIN cell ON cell.id = run.cell
            WHERE trial.lineage IS NULL AND cell.kernel = ? AND result.status IN ('not-ok', 'crash', 'timeout')
            ORDER BY test.name
            """, arguments: [kernel]), by: { $0["run"] as Int64 })
      return try Row.fetchAll(
        db,
        sql: """
          SELECT run.id, run.started, run.directory, run.ground, trial.reason, cell.* FROM run
          JOIN cell ON cell.id = run.cell JOIN trial ON trial.run = run.id AND trial.lineage IS NULL
          WHERE cell.kernel = ? ORDER BY run.started DESC, cell.profile
          """, arguments: [kernel]
      ).map { row in
        ToldBase(
          cell: Cell(row), started: Date(timeIntervalSince1970: row["started"]), directory: row["directory"],
          ground: try JSONDecoder().decode(RunRow.Ground.self, from: Data((row["ground"] as String).utf8)),
          ailment: row["reason"], failing: (failing[row["id"]] ?? []).map { $0["name"] })
      }
    }
  }

  /// Returns what is known of a test; `nil` if no run had it.
  /// - Throws: ``HistoryError``
  public func test(_ name: String) throws(HistoryError) -> Sightings? {
    try read { db in
      guard let test = try Int64.fetchOne(db, sql: "SELECT id FROM test WHERE name = ?", arguments: [name]) else {
        return nil
      }
      let planned = try Row.fetchOne(
        db,
        sql: """
          SELECT count(*), min(run.started), max(run.started) FROM plan_test JOIN trial ON trial.plan = plan_test.plan
          JOIN run ON run.id = trial.run WHERE plan_test.test = ?
          """, arguments: [test])!
      let flaky = try Int.fetchOne(
        db, sql: "SELECT count(*) FROM result WHERE test = ? AND \(Self.isFlaky)", arguments: [test])!
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT lineage.key, coalesce(result.change, result.status) AS what, count(*) AS n, min(run.started) AS first,
            max(run.started) AS last, result.reason, cell.*
          FROM result JOIN trial ON trial.id = result.trial JOIN run ON run.id = trial.run
          JOIN cell ON cell.id = run.cell LEFT JOIN lineage ON lineage.id = trial.lineage
          WHERE result.test = ? GROUP BY lineage.key, what, cell.id ORDER BY last DESC, lineage.key
          """, arguments: [test]
      ).map(Sighting.init)
      return Sightings(name, planned: planned, flaky: flaky, rows)
    }
  }

  /// Returns what is known of a kernel report; `nil` if no run had it.
  /// - Throws: ``HistoryError``
  public func report(_ title: String) throws(HistoryError) -> Sightings? {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT CASE WHEN report.new THEN lineage.key END AS key,
            CASE WHEN report.new THEN 'new' ELSE 'on the base' END AS what, count(*) AS n,
            min(run.started) AS first, max(run.started) AS last, '' AS reason, cell.*
          FROM report JOIN title ON title.id = report.title JOIN trial ON trial.id = report.trial
          JOIN run ON run.id = trial.run JOIN cell ON cell.id = run.cell
          LEFT JOIN lineage ON lineage.id = trial.lineage
          WHERE title.text = ? GROUP BY 1, what, cell.id ORDER BY last DESC, 1
          """, arguments: [title]
      ).map(Sighting.init)
      if rows.isEmpty { return nil }
      return Sightings(
        name: title, trials: rows.map(\.count).reduce(0, +), flaky: 0, first: rows.map(\.first).min(),
        last: rows.map(\.last).max(), onBase: rows.filter { $0.lineage == nil },
        withSeries: rows.filter { $0.lineage != nil })
    }
  }

  /// Of a row of results: whether the same kernel gave more than one answer.
  static let isFlaky = """
    (coalesce(result.change, '') = 'flaky' OR (result.ok > 0 AND result.ok < result.tries)
     OR (result.base_ok > 0 AND result.base_ok < result.base_tries))
    """
}

extension Sightings {
  /// - Parameter planned: the number of trials, the first and the last time.
  fileprivate init(_ name: String, planned: Row, flaky: Int, _ rows: [Sighting]) {
    self.name = name
    self.flaky = flaky
    trials = planned[0]
    first = (planned[1] as Double?).map { Date(timeIntervalSince1970: $0) }
    last = (planned[2] as Double?).map { Date(timeIntervalSince1970: $0) }
    onBase = rows.filter { $0.lineage == nil }
    withSeries = rows.filter { $0.lineage != nil }
  }
}

extension Sighting {
  fileprivate init(_ row: Row) {
    lineage = row["key"]
    cell = Cell(row)
    what = row["what"]
    count = row["n"]
    first = Date(timeIntervalSince1970: row["first"])
    last = Date(timeIntervalSince1970: row["last"])
    reason = row["reason"]
  }
}

extension String {
  /// Returns it without these characters at both ends.
  func trimming(_ characters: String) -> String {
    var part = self[...]
    while let first = part.first, characters.contains(first) { part.removeFirst() }
    while let last = part.last, characters.contains(last) { part.removeLast() }
    return String(part)
  }
}

extension HistoryStore {
  /// Returns all series, tests, titles or kernels, in order.
  /// - Throws: ``HistoryError``
  public func all(_ kind: Kind) throws(HistoryError) -> [String] {
    try read { db in try String.fetchAll(db, sql: "SELECT DISTINCT \(kind.column) FROM \(kind.table) ORDER BY 1") }
  }
}

extension HistoryStore.Kind {
  fileprivate var table: String {
    switch self {
    case .series: "lineage"
    case .test: "test"
    case .report: "title"
    case .kernel: "cell"
    }
  }

  fileprivate var column: String {
    switch self {
    case .series: "key"
    case .test: "name"
    case .report: "text"
    case .kernel: "kernel"
    }
  }
}
