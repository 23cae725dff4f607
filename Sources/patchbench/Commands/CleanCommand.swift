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
    abstract: "End and remove what killed runs left behind: processes, guests and work directories.",
    discussion: """
      Every run does this when it begins. It never touches a run that is still going, another user's files and \
      processes, or anything that is kept on purpose: results stay, and so does what `patchbench cache` shows.

        patchbench clean
        patchbench clean --dry-run
      """)

  @Flag(help: "Show what would be ended and removed, but change nothing.")
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
      Output.note("killed runs left nothing behind")
    } else {
      Output.note(dryRun ? "would be ended and removed" : "ended and removed")
    }
  }
}

/// Renders what killed runs left behind, one line per item.
enum LeftoversText {
  static func text(_ leftovers: Leftovers) -> String {
    let lines =
      leftovers.processes.map { "process    \($0.process) \(visible($0.name)), of process \($0.owner), which is gone" }
      + leftovers.guests.map { "guest      \($0.process) \(visible($0.name))" }
      + leftovers.directories.map { "directory  \($0.name), \(Words.size($0.size))" }
    let size = leftovers.directories.map(\.size).reduce(0, +)
    return (lines + ["", "\(Words.size(size)) in all"]).joined(separator: "\n")
  }
}
