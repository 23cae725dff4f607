// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import KernelBuild
import Reports
import SystemPackage

struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Show what is cached between runs, or remove some of it.",
    discussion: """
      The cache holds built bases, ccache's objects, and the results of bases and series. Each kind has its own size \
      limit. It is always safe to remove entries: the next run makes them again.

        patchbench cache                      what is cached, its size, and when it was last used
        patchbench cache prune                remove entries that were not used for 30 days
        patchbench cache prune --days 0       remove all entries that no run is using
      """,
    subcommands: [Show.self, Prune.self], defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what is cached.")

    @Flag(help: "Print JSON on standard output.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
      let cache = try Cache(common.cacheRoot(ProcessInfo.processInfo.environment))
      let entries = try await cache.contents()
      if json {
        Output.result(try JSONText.of(entries))
      } else {
        Output.result(CacheTable.text(entries))
        Output.note("\(cache.root), \(Words.size(cache.freeSpace)) free on its file system")
      }
    }
  }

  struct Prune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove entries that were not used for some time, unless a run is using them.")

    @Option(parsing: .unconditional, help: "Remove entries that were not used for this many days.")
    var days = 30

    @Flag(help: "Print the removed entries as JSON on standard output.")
    var json = false

    @OptionGroup var common: CommonOptions

    func validate() throws {
      if days < 0 { throw ValidationError("--days must be at least 0.") }
    }

    func run() async throws {
      let cache = try Cache(common.cacheRoot(ProcessInfo.processInfo.environment))
      let removed = try await cache.prune(unusedSince: Date(timeIntervalSinceNow: -86400 * Double(days)))
      if json {
        Output.result(try JSONText.of(removed))
      } else if removed.isEmpty {
        Output.note("nothing to remove: every entry is in use or was used within \(days) days")
      } else {
        Output.result(CacheTable.text(removed))
        Output.note("removed")
      }
    }
  }
}

/// Renders the cache's entries as a table.
enum CacheTable {
  static func text(_ entries: [CacheEntry]) -> String {
    let rows =
      [["KIND", "NAME", "SIZE", "LAST USED", "", "BOUND"]]
      + entries.map { entry in
        [
          entry.kind.rawValue, entry.name + (entry.count.map { " (\($0))" } ?? ""), Words.size(entry.size),
          entry.lastUsed?.formatted(.iso8601).replacing("T", with: " ").replacing("Z", with: "") ?? "–",
          entry.inUse ? "in use" : "", entry.bound ?? "",
        ]
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    let lines = rows.map { row in
      row.indices.map { column in
        let pad = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 2 ? pad + row[column] : row[column] + pad
      }.joined(separator: "  ").trimmingSuffix(" ")
    }
    let sum = entries.map(\.size).reduce(0, +)
    return (lines + ["", "\(Words.size(sum)) in all"]).joined(separator: "\n")
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}
