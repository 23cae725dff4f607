// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import History
import KernelBuild
import Nights
import SystemPackage
import Toolbox
import Verdicts

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Look up what earlier runs said of a series, a test, a kernel report or a kernel.",
    discussion: """
      The history is a database in the state directory. `nightly` adds its runs; any other run is added by hand. It can \
      always be made again from the runs' records.

        patchbench history                            each series, and what was last said of it
        patchbench history series my-fix-v4           all versions; a name, a change-id or a Message-ID
        patchbench history test 'forward/vgem-to-vkms/vm-file'
        patchbench history report 'WARNING in drm_gem_mmap_obj'
        patchbench history kernel linux-6.12
        patchbench history add results/thread
        patchbench history rebuild
        patchbench history prune --keep-evidence 30d --dry-run
        patchbench history site /var/www/patchbench
      """,
    subcommands: [
      List.self, OfSeries.self, OfTest.self, OfReport.self, OfKernel.self, Add.self, Rebuild.self, MakeSite.self,
      Prune.self, Bench.self,
    ],
    defaultSubcommand: List.self)

  /// Prints an answer as text or JSON.
  private static func show<Value: Encodable>(_ value: Value, json: Bool, _ text: (Value, Int) -> String) throws {
    Output.result(try json ? JSONText.of(value) : text(value, min(100, Output.width(1))))
  }

  /// The options of every lookup.
  struct Lookup: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    /// Prints what the history has of a name.
    /// - Parameters:
    ///   - what: its kind in words: `the test`.
    ///   - find: `nil` if the history does not have it.
    /// - Throws: ``Failure`` if the history does not have it, with what it has that sounds alike.
    func show<Value: Encodable & Sendable>(
      _ name: String, _ kind: HistoryStore.Kind, _ what: String,
      _ find: @escaping @Sendable (HistoryStore) throws -> Value?, _ text: (Value, Int) -> String
    ) async throws {
      let store = try await state.history()
      let (found, near) = try await Blocking.run {
        Result {
          let found = try find(store)
          return (found, found == nil ? try store.names(like: name, in: kind) : [])
        }
      }.get()
      guard let found else {
        throw Failure(
          "no run in the history has \(what) “\(name)”",
          advice: near.isEmpty ? "`patchbench history` lists what it has" : "it has: \(near.joined(separator: ", "))",
          status: ExitStatus.usage)
      }
      try HistoryCommand.show(found, json: json, text)
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List the series, and what was last said of each, the newest first.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
      let store = try await state.history()
      let trials = try await Blocking.run { Result { try store.latest() } }.get()
      try show(trials, json: json) { HistoryText.latest($0, width: $1) }
    }
  }

  struct OfSeries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "series", abstract: "Show all trials of a series and its other versions.")

    @Argument(help: ArgumentHelp("A name, a change-id, or a Message-ID.", valueName: "series"))
    var name: String

    @OptionGroup var lookup: Lookup

    func run() async throws {
      let name = name
      try await lookup.show(name, .series, "the series") {
        try $0.trials(of: name).nonEmpty
      } _: {
        HistoryText.trials($0, width: $1)
      }
    }
  }

  struct OfTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "test", abstract: "Show where a test failed, got better or worse, or was flaky.")

    @Argument(help: ArgumentHelp("The test's name.", valueName: "test"))
    var name: String

    @OptionGroup var lookup: Lookup

    func run() async throws {
      let name = name
      try await lookup.show(name, .test, "the test") {
        try $0.test(name)
      } _: {
        HistoryText.sightings($0, width: $1)
      }
    }
  }

  struct OfReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "report", abstract: "Show where a kernel report was seen.")

    @Argument(help: ArgumentHelp("The report's title: WARNING in drm_gem_mmap_obj.", valueName: "title"))
    var title: String

    @OptionGroup var lookup: Lookup

    func run() async throws {
      let title = title
      try await lookup.show(title, .report, "the kernel report") {
        try $0.report(title)
      } _: {
        HistoryText.sightings($0, width: $1)
      }
    }
  }

  struct OfKernel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "kernel", abstract: "Show how a kernel's bases moved, and what fails on them.")

    @Argument(help: ArgumentHelp("Its name under Kernels/.", valueName: "kernel"))
    var name: String

    @OptionGroup var lookup: Lookup

    func run() async throws {
      let name = name
      try await lookup.show(name, .kernel, "the kernel") {
        try $0.bases(of: name).nonEmpty
      } _: {
        HistoryText.bases($0, width: $1)
      }
    }
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "add", abstract: "Add runs to the history. A run that is there already is replaced.")

    @Argument(help: ArgumentHelp("Directories of runs, or of several.", valueName: "run"))
    var runs: [String]

    @OptionGroup var state: StateOptions

    func run() async throws {
      let found = HistoryRuns.find(below: runs.map { FilePath($0) })
      if found.isEmpty {
        throw Failure(
          "no run in \(runs.joined(separator: ", "))", advice: "name a directory that `patchbench run` made",
          status: ExitStatus.usage)
      }
      let count = try await HistoryRuns.add(found, to: state.directory)
      Output.note("patchbench: \(count) of \(found.count) runs added to the history in \(state.directory)")
    }
  }

  struct MakeSite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "site", abstract: "Write the history as static pages, without script.",
      discussion: """
        index.html shows the last night at a glance: series by kernel, and what changed. Each series, each test and \
        each kernel report has a page of its own. Verdicts lead to the reports of their runs, by relative paths.
        """)

    @Argument(help: ArgumentHelp("The directory of the pages. Pages that are there are replaced.", valueName: "dir"))
    var directory: String

    @OptionGroup var state: StateOptions

    func run() async throws {
      let store = try await state.history()
      let place = FilePath(directory).absolute
      let count = try await Blocking.run {
        Result {
          let changes = try store.lastCommand().map { try store.changes(since: $0) }
          var count = 0
          let site = Site(store, changes: changes, directory: place.string) {
            FileManager.default.fileExists(atPath: FilePath($0).appending("report.html").string)
          }
          try site.write { path, text in
            let file = place.pushing(FilePath(path))
            try FileManager.default.createDirectory(
              atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file.string), options: .atomic)
            count += 1
          }
          return count
        }
      }.get()
      Output.result(place.appending("index.html").string + "\n")
      Output.note("patchbench: \(count) pages")
    }
  }

  struct Rebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rebuild", abstract: "Make the history again from the runs' records.",
      discussion: """
        It reads the record of every run that was added, and of those in the directories named here, and then replaces \
        the database. Until that is done, the old one stays. A run whose record is gone is told and left out.
        """)

    @Argument(help: ArgumentHelp("More directories of runs.", valueName: "dir"))
    var directories: [String] = []

    @OptionGroup var state: StateOptions

    func run() async throws {
      let directory = state.directory
      let listed = HistoryStore.listed(in: directory).map { FilePath($0) }
      var rows: [RunRow] = []
      var left = 0
      let places = listed + HistoryRuns.find(below: directories.map { FilePath($0) } + [directory.appending("nights")])
      var seen: Set<FilePath> = []
      for place in places where seen.insert(place).inserted {
        do {
          if let row = try await HistoryRuns.row(of: place) {
            rows.append(row)
          } else if !FileManager.default.fileExists(atPath: RunDirectory(place).events.string) {
            throw Failure("\(place) is gone", status: ExitStatus.fine)
          }
        } catch {
          left += 1
          Output.note("patchbench: left out: \(Failure(error).message)")
        }
      }
      let found = rows
      try await Blocking.run {
        Result { try HistoryStore.rebuild(in: directory, from: found) }
      }.get()
      Output.note(
        "patchbench: the history in \(directory) has \(rows.count) runs again" + (left > 0 ? "; \(left) left out" : ""))
    }
  }
}

extension HistoryRuns {
  /// Adds runs to the history.
  /// - Returns: how many had something to add.
  static func add(_ runs: [FilePath], to state: FilePath) async throws -> Int {
    var rows: [RunRow] = []
    for run in runs { if let row = try await row(of: run) { rows.append(row) } }
    let found = rows
    try await Blocking.run {
      Result {
        let store = try HistoryStore(in: state)
        for row in found { try store.add(row) }
      }
    }.get()
    return rows.count
  }
}

extension Array {
  fileprivate var nonEmpty: Self? { isEmpty ? nil : self }
}
