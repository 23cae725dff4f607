// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import Foundation
internal import GRDB

/// One trial of a series, as the history tells it.
public struct ToldTrial: Codable, Sendable, Hashable {
  /// See ``SeriesRow/lineage``.
  public var lineage: String
  public var name: String
  public var version: Int
  public var cell: Cell
  public var verdict: Verdict
  public var reason: String
  /// When its run began.
  public var started: Date
  /// The run's directory, and that of its command.
  public var directory: String
  public var command: String
  /// `nil` if it is not known.
  public var seconds: Double?
  public var isReused: Bool
  /// Whether only some of the tests were asked for.
  public var isPart: Bool
  public var messageID: String?
  /// Whether its evidence is still there.
  public var hasEvidence: Bool
  /// The trial's number in the database. It says nothing outside of it.
  var number: Int64 = 0

  private enum CodingKeys: String, CodingKey {
    case lineage, name, version, cell, verdict, reason, started, directory, command, seconds, isReused, isPart,
      messageID
    case hasEvidence
  }

  /// The columns that a row of it needs.
  static let columns = """
    trial.id, lineage.key, trial.name, trial.version, trial.verdict, trial.reason, trial.seconds, trial.reused,
    trial.message, run.started, run.directory, run.command, trial.evidence, run.part, cell.kernel, cell.profile,
    cell.architecture, cell.toolchain, cell.extent, cell.guest
    """
  static let tables = """
    trial JOIN run ON run.id = trial.run JOIN cell ON cell.id = run.cell JOIN lineage ON lineage.id = trial.lineage
    """
}

extension ToldTrial {
  /// - Parameter row: with ``columns``.
  init(_ row: Row) {
    self.init(
      lineage: row["key"],
      name: row["name"],
      version: row["version"],
      cell: Cell(row),
      verdict: Verdict(rawValue: row["verdict"]) ?? .inconclusive,
      reason: row["reason"],
      started: Date(timeIntervalSince1970: row["started"]),
      directory: row["directory"],
      command: row["command"],
      seconds: row["seconds"],
      isReused: row["reused"],
      isPart: row["part"],
      messageID: row["message"],
      hasEvidence: row["evidence"], number: row["id"])
  }
}

extension Cell {
  /// - Parameter row: with the columns of a cell.
  init(_ row: Row) {
    self.init(
      kernel: row["kernel"], profile: row["profile"], architecture: row["architecture"], toolchain: row["toolchain"],
      extent: Extent(rawValue: row["extent"]) ?? .boot, guest: row["guest"])
  }
}

/// A run's base, as the history tells it.
public struct ToldBase: Codable, Sendable, Hashable {
  public var cell: Cell
  public var started: Date
  public var directory: String
  public var ground: RunRow.Ground
  /// What ails it; empty if its tests ran to their end.
  public var ailment: String
  /// The tests that fail on it.
  public var failing: [String]
}

/// What the history knows of a test or of a kernel report.
public struct Sightings: Codable, Sendable, Hashable {
  /// The test's name, or the report's title.
  public var name: String
  /// Of a test: the trials that planned it. Of a report: the trials that have it.
  public var trials: Int
  /// Of a test: the trials in which the same kernel gave more than one answer.
  public var flaky: Int
  /// Its first and last time; `nil` if there is none.
  public var first: Date?
  public var last: Date?
  /// Where the base has it: a test that fails, a report.
  public var onBase: [Sighting]
  /// Where a series brings it or takes it away.
  public var withSeries: [Sighting]
}

/// A row of equal sightings in one cell.
public struct Sighting: Codable, Sendable, Hashable {
  /// `nil` is the base.
  public var lineage: String?
  public var cell: Cell
  /// `regressed`, `fixed`, …; of the base `not-ok`, …; of a report `new`.
  public var what: String
  public var count: Int
  public var first: Date
  public var last: Date
  public var reason: String
}
