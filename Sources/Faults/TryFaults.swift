// SPDX-License-Identifier: Apache-2.0

import Foundation
public import KernelBuild
public import SystemPackage
import Toolbox

extension FaultBench {
  /// Tries faults, one after the other. Faults that are series run together in one run.
  /// - Parameters:
  ///   - options: the options of every run of the program.
  ///   - kills: how often runs are killed.
  ///   - tell: gets each row as soon as it is known.
  /// - Throws: ``FaultError``, ``StageError`` and ``ToolError`` if the faults cannot be tried. An unexpected outcome is
  ///   a row, not an error.
  public static func run(
    _ faults: [Fault], base: BaseBuild, cache: Cache, executable: FilePath, options: [String],
    environment: [String: String], kills: Int, tell: @escaping @Sendable (FaultReport.Row) -> Void
  ) async throws -> FaultReport {
    try await cache.withScratch { scratch in
      let listener = try Listener()
      let bait = Bait(directory: scratch.appending("bait"), port: listener.port)
      try bait.lay()
      let bench = FaultBench(
        base: base, scratch: scratch,
        program: Program(executable: executable, options: options, cache: cache, environment: environment),
        maker: SeriesMaker(tree: base.tree, scratch: scratch, bait: bait), listener: listener, kills: kills)
      var rows = try await bench.trySeries(faults, tell)
      for fault in faults {
        guard case .own(let trial) = fault.trial else { continue }
        let begun = ContinuousClock.now
        let seen: Seen
        do { seen = try await trial(bench) } catch  where !Task.isCancelled {
          seen = Seen(false, "it could not be tried: \(error)")
        }
        let row = FaultReport.Row(fault, seen, .now - begun)
        tell(row)
        rows[fault.name] = row
      }
      return FaultReport(rows: faults.compactMap { rows[$0.name] })
    }
  }

  private func trySeries(
    _ faults: [Fault], _ tell: @escaping @Sendable (FaultReport.Row) -> Void
  ) async throws -> [String: FaultReport.Row] {
    var series: [(fault: Fault, trial: Fault.SeriesTrial, path: FilePath)] = []
    for fault in faults {
      guard case .series(let trial) = fault.trial else { continue }
      let name = fault.name.replacing("/", with: "-")
      series.append((fault, trial, try maker.write(name, try await trial.patches(maker))))
    }
    if series.isEmpty { return [:] }
    let begun = ContinuousClock.now
    let run = try await run(series.map(\.path), Program.tests + ["--build-limit", "10"])
    let share = (ContinuousClock.now - begun) / series.count
    let damage = try await damage(run)
    var rows: [String: FaultReport.Row] = [:]
    for (fault, trial, path) in series {
      var seen = Seen(false, run.lastWords.isEmpty ? "it has no result" : run.lastWords)
      if let outcome = run.series.first(where: { $0.name == path.lastComponent?.string }) {
        seen = try trial.check(outcome, self)
      }
      let row = FaultReport.Row(fault, seen.and(damage), share)
      tell(row)
      rows[fault.name] = row
    }
    return rows
  }
}

extension FaultReport.Row {
  init(_ fault: Fault, _ seen: Seen, _ time: Duration) {
    self.init(
      name: fault.name, what: fault.what, expected: fault.expected, seen: seen, seconds: time / .seconds(1))
  }
}

extension FaultReport {
  /// The report as a table. What was expected and seen is below each row.
  public var table: String {
    let width = rows.map(\.name.count).max() ?? 0
    let lines = rows.map { row in
      let name = row.name.padding(toLength: width, withPad: " ", startingAt: 0)
      return """
        \(row.seen.isExpected ? "as expected" : "OTHERWISE  ")  \(name)  \(row.what)
                     \(String(repeating: " ", count: width))  expected: \(row.expected)
                     \(String(repeating: " ", count: width))  seen:     \(row.seen.words)
        """
    }
    let fine = rows.count { $0.seen.isExpected }
    return (lines + ["", "\(fine) of \(rows.count) as expected"]).joined(separator: "\n")
  }
}
