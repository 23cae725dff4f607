// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
internal import GRDB

/// A run in the history, with what may go of it.
public struct KeptRun: Sendable, Hashable {
  /// Its number in the database.
  public var number: Int64
  /// Absolute.
  public var directory: String
  public var started: Date
  public var place: Place
  /// Its series, in the order of the run.
  public var trials: [KeptTrial]
  /// What is left of the evidence that belongs to no series: the base's, the configuration, which tests run which
  /// functions. In bytes; 0 if it has gone.
  public var rest: Int64 = 0
  /// What was begun and must be brought to its end, because a prune was stopped.
  public var isUnfinished = Unfinished()

  /// Where its directory is.
  public enum Place: Sendable, Hashable {
    /// In a night. What is protected is the newest night of a matrix, or in use.
    case night(isProtected: Bool)
    /// In a night that is not asked about.
    case other
    /// The user's own: its files never go. Without its directory, there are none.
    case elsewhere(isThere: Bool)
  }

  /// What an earlier prune has promised and not done.
  public struct Unfinished: Sendable, Hashable {
    /// The evidence that belongs to no series goes.
    public var rest = false
    /// The rows go.
    public var rows = false
    /// The report must be made again.
    public var report = false

    public init() {}
  }
}

/// A trial of a series, with what may go of it.
public struct KeptTrial: Sendable, Hashable {
  /// The series' name in its run.
  public var name: String
  public var verdict: Verdict
  /// Whether no later trial of the series, in any version, is in the history for the same cell.
  public var isLast: Bool
  /// What is left of its evidence, in bytes; 0 if it has gone.
  public var bytes: Int64 = 0
  /// Whether a prune that was stopped has promised that it goes.
  public var isUnfinished = false

  /// Whether a kernel with the series misbehaved: its evidence is the last to go.
  var isWorse: Bool { verdict == .regresses || verdict == .doesNotBoot }
}

extension HistoryStore {
  /// Returns all runs, in the order of their start. Their places and sizes are not known here.
  /// - Throws: ``HistoryError``
  public func keptRuns() throws(HistoryError) -> [KeptRun] {
    try read { db in
      let last = Set(try Self.last(db, "run.started < ?", .infinity).map { $0["id"] as Int64 })
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT id, run, name, verdict FROM trial WHERE lineage IS NOT NULL ORDER BY run, place
          """)
      let trials = Dictionary(grouping: rows) { $0["run"] as Int64 }
      return try Row.fetchAll(db, sql: "SELECT id, directory, started FROM run ORDER BY started, record").map { run in
        let number: Int64 = run["id"]
        return KeptRun(
          number: number, directory: run["directory"], started: Date(timeIntervalSince1970: run["started"]),
          place: .elsewhere(isThere: true),
          trials: (trials[number] ?? []).map { trial in
            KeptTrial(
              name: trial["name"], verdict: Verdict(rawValue: trial["verdict"] ?? "") ?? .inconclusive,
              isLast: last.contains(trial["id"]))
          })
      }
    }
  }

  /// Returns the ids of the patches of each series in a run, by the series' name.
  /// - Throws: ``HistoryError``
  public func patches(ofRun number: Int64) throws(HistoryError) -> [String: [String]] {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT trial.name, patch.id FROM trial JOIN patch ON patch.trial = trial.id
          WHERE trial.run = ? AND trial.lineage IS NOT NULL ORDER BY trial.place, patch.id
          """, arguments: [number])
      return Dictionary(grouping: rows) { $0["name"] as String }.mapValues { $0.map { $0["id"] } }
    }
  }

  /// Notes that evidence has gone.
  /// - Parameters:
  ///   - series: their names in the run.
  ///   - base: whether that of the base has gone, too.
  /// - Throws: ``HistoryError``
  public func noteGone(ofRun number: Int64, series: [String], base: Bool) throws(HistoryError) {
    try write { db in
      for name in series {
        try db.execute(sql: "UPDATE trial SET evidence = 0 WHERE run = ? AND name = ?", arguments: [number, name])
      }
      if base {
        try db.execute(sql: "UPDATE trial SET evidence = 0 WHERE run = ? AND lineage IS NULL", arguments: [number])
      }
    }
  }

  /// Removes the rows of a run, its names that no other run has, and its line in the list of runs.
  /// - Throws: ``HistoryError``
  public func forget(run number: Int64) throws(HistoryError) {
    try write { db in
      let directory = try String.fetchOne(db, sql: "SELECT directory FROM run WHERE id = ?", arguments: [number])
      try db.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [number])
      // A rebuilt history would not have them.
      for sql in [
        "DELETE FROM plan WHERE id NOT IN (SELECT plan FROM trial)",
        "DELETE FROM lineage WHERE id NOT IN (SELECT lineage FROM trial WHERE lineage IS NOT NULL)",
        "DELETE FROM test WHERE id NOT IN (SELECT test FROM plan_test) AND id NOT IN (SELECT test FROM result)",
        "DELETE FROM title WHERE id NOT IN (SELECT title FROM report)",
        "DELETE FROM cell WHERE id NOT IN (SELECT cell FROM run)",
      ] { try db.execute(sql: sql) }
      let others = try Int.fetchOne(db, sql: "SELECT count(*) FROM run WHERE directory = ?", arguments: [directory])
      if let directory, others == 0 { try unlist(directory) }
    }
  }
}
