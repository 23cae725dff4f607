// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import History
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// Where the history and the nights are.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The state directory. Default: $PATCHBENCH_STATE, else patchbench in $XDG_STATE_HOME or ~/.local/state.",
      valueName: "dir"))
  var state: String?

  var directory: FilePath { Self.directory(state, environment: ProcessInfo.processInfo.environment) }

  static func directory(_ option: String?, environment: [String: String]) -> FilePath {
    func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let own = option ?? set("PATCHBENCH_STATE") { return FilePath(own).absolute }
    let states = set("XDG_STATE_HOME").map { FilePath($0) } ?? FilePath(NSHomeDirectory()).pushing(".local/state")
    return states.appending("patchbench").absolute
  }

  /// Opens the history, which must be there.
  /// - Throws: ``Failure`` if there is none.
  func history() async throws -> HistoryStore { try await Self.history(in: directory) }

  static func history(in directory: FilePath) async throws -> HistoryStore {
    guard HistoryStore.exists(in: directory) else {
      throw Failure(
        "there is no history in \(directory)",
        advice: "`patchbench nightly` writes one, and `patchbench history add RUN` adds a run to it",
        status: ExitStatus.usage)
    }
    return try await Blocking.run { Result { try HistoryStore(in: directory) } }.get()
  }
}

/// Runs as the history takes them.
enum HistoryRuns {
  /// Folds the record of a run.
  /// - Returns: `nil` if the run ended before anything was tested.
  /// - Throws: if its record cannot be read.
  static func row(of run: FilePath) async throws -> RunRow? {
    let run = run.absolute
    let directory = RunDirectory(run)
    // A prune that was stopped may have removed only a part.
    let pruned = try PrunedRun(in: run)
    guard !pruned.rows, let record = try directory.record() else { return nil }
    let patches = try await patches(of: record.header.series.map(\.name), in: directory)
      .merging(pruned.series) { $1 }
    // The runs of one command share the directory above.
    let above = run.removingLastComponent()
    let isPart = RecordedMatrix(in: above)?.runs.contains(run.lastComponent?.string ?? "") == true
    var row = RunRow(
      record, id: try await EventRecord.id(directory.events), directory: run.string,
      command: (isPart ? above : run).string,
      patches: patches)
    for (index, trial) in row.trials.enumerated() {
      let name = trial.series?.name
      let isPruned = name.map { pruned.series[$0] != nil } ?? pruned.rest
      row.trials[index].hasEvidence =
        !isPruned && FileManager.default.fileExists(atPath: directory.evidence(name).string)
    }
    return row
  }

  /// Returns the ids of the patches of each series, in order, as git gives them. Where there is no sandbox to read
  /// strangers' diffs in, there are none, and `check` knows the series by its Message-ID only.
  private static func patches(of series: [String], in directory: RunDirectory) async throws -> [String: [String]] {
    guard let cage = try? await Sandbox(jobs: 1).cage() else { return [:] }
    let diffs = series.map { name in
      let place = directory.evidence(name)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
      return names.filter { $0.hasSuffix(".diff") }.sorted().map { place.appending($0) }
    }
    let ids = try await PatchIDs.of(diffs.flatMap { $0 }, in: directory.path, cage: cage)
    return Dictionary(
      zip(series, diffs).map { ($0, $1.compactMap { ids[$0] }) }, uniquingKeysWith: { first, _ in first })
  }

  /// Returns the runs in directories and below, each once.
  /// - Parameter places: runs, or directories with runs at most three levels below.
  static func find(below places: [FilePath]) -> [FilePath] {
    var found: [FilePath] = []
    func look(_ place: FilePath, _ depth: Int) {
      if FileManager.default.fileExists(atPath: RunDirectory(place).events.string) {
        if !found.contains(place) { found.append(place) }
      } else if depth > 0 {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
        for name in names.sorted() where !name.hasPrefix(".") { look(place.appending(name), depth - 1) }
      }
    }
    for place in places { look(place.absolute, 3) }
    return found
  }
}
