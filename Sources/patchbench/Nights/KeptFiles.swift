// SPDX-License-Identifier: Apache-2.0

import Bench
import Foundation
import Glibc
import History
import SystemPackage
import Toolbox

/// The nights of a state directory, and which of them a prune leaves alone.
struct KeptNights: Sendable {
  /// By the names of their directories.
  var all: [String: Night]
  /// The newest night of each matrix, and those that may be at work.
  private var protected: Set<String> = []
  /// The matrix file that is asked about; `nil` is all.
  private var matrix: String?

  init(in state: FilePath, matrix: String?) async throws {
    all = Night.all(in: state)
    self.matrix = matrix
    for matrix in Set(all.values.map(\.matrix)) {
      if let newest = Night.newest(of: matrix, all) { protected.insert(newest.name) }
      guard try await Night.isAtWork(matrix, in: state) else { continue }
      for (name, night) in all where night.matrix == matrix && !night.isOver { protected.insert(name) }
    }
  }

  func isProtected(_ name: String) -> Bool { protected.contains(name) }

  func isAsked(_ night: Night) -> Bool { matrix == nil || night.matrix == matrix }
}

/// Where the files of a run in the history are, and how big they are.
struct KeptFiles {
  /// What belongs to no series: the last that goes of a run's evidence.
  static let rest = ["base", "series", "config", "reach.json"]

  private var state: FilePath
  private var nights: KeptNights
  /// The same directory may have several names.
  private var identity: [UInt64]?

  init(_ state: FilePath, _ nights: KeptNights) {
    self.state = state
    self.nights = nights
    identity = Self.identity(state)
  }

  /// Returns a run's place below the state directory: `nights`, the night's name, its own.
  static func names(of directory: String) -> [String] {
    directory.split(separator: "/", omittingEmptySubsequences: false).suffix(3).map(String.init)
  }

  /// Finds out where a run is, and what is left of it.
  /// - Throws: ``OwnTreeError`` if a file cannot be measured, ``HistoryError`` if `pruned.json` is damaged.
  func measure(_ run: inout KeptRun) throws {
    let isThere = FileManager.default.fileExists(atPath: run.directory)
    run.place = .elsewhere(isThere: isThere)
    let names = Self.names(of: run.directory)
    guard names.count == 3, names[0] == "nights", let night = nights.all[names[1]], night.runs.contains(names[2]),
      Self.identity(FilePath(String(run.directory.dropLast(names.joined(separator: "/").count)))) == identity
    else { return }
    let tree = OwnTree(state)
    // What is reached through a link is somewhere else.
    guard tree.hasNoLink(names) else { return }
    run.place = nights.isAsked(night) ? .night(isProtected: nights.isProtected(names[1])) : .other
    guard isThere, run.place != .other else { return }
    let directory = FilePath(run.directory)
    let pruned = try PrunedRun(in: directory)
    for (index, trial) in run.trials.enumerated() {
      run.trials[index].bytes = try tree.bytes(of: names + ["series", trial.name]) ?? 0
      run.trials[index].isUnfinished = pruned.series[trial.name] != nil
    }
    let whole = try Self.rest.map { try tree.bytes(of: names + [$0]) ?? 0 }.reduce(0, +)
    run.rest = max(0, whole - run.trials.map(\.bytes).reduce(0, +))
    run.isUnfinished.rest = pruned.rest
    run.isUnfinished.rows = pruned.rows
    let reports = ["report.html", "report.json"].map {
      FileManager.default.fileExists(atPath: directory.appending($0).string)
    }
    // Only a prune removes one of them.
    run.isUnfinished.report = reports == [false, true]
  }

  private static func identity(_ directory: FilePath) -> [UInt64]? {
    var status = stat()
    return stat(directory.string, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
  }
}
