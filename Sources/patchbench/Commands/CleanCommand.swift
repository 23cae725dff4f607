// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import KernelBuild
import Reports
import SystemPackage

struct CleanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean",
    abstract: "End and remove what runs left that were killed: processes, guests, work directories.",
    discussion: """
      Every run does this when it begins. Nothing of a run that goes on is touched, nothing of another user's, and nothing \
      that is kept on purpose: results are the user's, and `patchbench cache` shows the rest.

        patchbench clean
        patchbench clean --dry-run
      """)

  @Flag(help: "Say what would be ended and removed, and do none of it.")
  var dryRun = false

  @Flag(help: "Print JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let cache = try Cache(common.cacheRoot(environment))
    let leftovers =
      dryRun
      ? try await Leftovers.find(cache, environment: environment)
      : try await Leftovers.remove(cache, environment: environment)
    if json {
      Output.result(try JSONText.of(leftovers))
    } else if !leftovers.isEmpty {
      Output.result(LeftoversText.text(leftovers))
    }
    if leftovers.isEmpty {
      Output.note("no killed run has left anything")
    } else {
      Output.note(dryRun ? "would be ended and removed" : "ended and removed")
    }
  }
}

/// What killed runs left, a line for each.
enum LeftoversText {
  static func text(_ leftovers: Leftovers) -> String {
    let lines =
      leftovers.processes.map { "process    \($0.process) \(visible($0.name)), of process \($0.owner), which is gone" }
      + leftovers.guests.map { "guest      \($0.process) \(visible($0.name))" }
      + leftovers.directories.map { "directory  \($0.name), \(CacheTable.words($0.size))" }
    let size = leftovers.directories.map(\.size).reduce(0, +)
    return (lines + ["", "\(CacheTable.words(size)) in all"]).joined(separator: "\n")
  }
}
