// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import History
import Nights
import SystemPackage
import Toolbox
import Verdicts

extension HistoryCommand {
  struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "bench", abstract: "Time the history with a simulated year of nights.",
      discussion: """
        Fills a database in a directory of its own with nights of 20 series in six cells, 300 tests each, and times \
        what is asked of it. The user's history is not touched.

        Exit status: 0 all is within its bound; 1 something is not.
        """)

    @Option(parsing: .unconditional, help: "How many nights.")
    var nights = 365

    func validate() throws {
      if nights < 2 { throw ValidationError("--nights must be at least 2.") }
    }

    func run() async throws {
      let place = FilePath(NSTemporaryDirectory()).appending("patchbench-history-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(atPath: place.string) }
      let nights = nights
      let rows = try await Blocking.run { Result { try Self.measure(nights, in: place) } }.get()
      let width = rows.map(\.name.count).max() ?? 0
      for row in rows {
        Output.result(
          row.name.padding(toLength: width, withPad: " ", startingAt: 0)
            + String(format: "  %8.3f %@  (at most %g)", row.value, row.unit, row.bound)
            + (row.value > row.bound ? "  exceeded" : "") + "\n")
      }
      if rows.contains(where: { $0.value > $0.bound }) { throw ExitCode(ExitStatus.worse) }
    }

    private struct Row: Sendable {
      var name: String
      var value: Double
      var unit = "s"
      var bound: Double
    }

    private static func measure(_ nights: Int, in place: FilePath) throws -> [Row] {
      let year = SimulatedYear(nights: nights)
      let store = try HistoryStore(in: place)
      for night in 0..<nights - 1 { for run in year.runs(of: night) { try store.add(run) } }
      var rows: [Row] = []
      func time(_ name: String, _ bound: Double, _ body: () throws -> Void) throws {
        let begun = ContinuousClock.now
        try body()
        rows.append(Row(name: name, value: (.now - begun) / .seconds(1), bound: bound))
      }
      let last = year.runs(of: nights - 1)
      try time("a night's insertion", 5) { for run in last { try store.add(run) } }
      let start = try store.lastCommand()!
      let test = year.testNames[0]
      try time("since", 0.2) { _ = try store.changes(since: start) }
      try time("since half a year", 0.2) {
        _ = try store.changes(since: SimulatedYear.start.addingTimeInterval(Double(nights / 2) * 86_400))
      }
      try time("history", 0.2) { _ = try store.latest() }
      try time("history series", 0.2) { _ = try store.trials(of: "series-4") }
      try time("history test", 0.2) { _ = try store.test(test) }
      try time("history report", 0.2) { _ = try store.report("WARNING in function_1") }
      try time("history kernel", 0.2) { _ = try store.bases(of: "linux-6.12") }
      try time("check", 0.2) { _ = try store.trials(withPatch: "4-0") }
      var pages = 0
      try time("history site", 60) {
        let changes = try store.changes(since: start)
        let site = Site(store, changes: changes, directory: place.appending("site").string) { _ in true }
        try site.write { path, text in
          let file = place.appending("site").pushing(FilePath(path))
          try FileManager.default.createDirectory(
            atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
          try Data(text.utf8).write(to: URL(filePath: file.string))
          pages += 1
        }
      }
      rows.append(Row(name: "the site", value: Double(pages), unit: "pages", bound: 10_000))
      let files = ["", "-wal"].compactMap { suffix in
        (try? FileManager.default.attributesOfItem(atPath: store.path.string + suffix))?[.size] as? Int
      }
      rows.append(
        Row(name: "the database", value: Double(files.reduce(0, +)) / 1_048_576, unit: "MiB", bound: 1024))
      return rows
    }
  }
}
