// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Faults
import Foundation
import KernelBuild
import SystemPackage
import Verdicts

struct FaultsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults",
    abstract: "Do to patchbench what strangers' patches, broken guests and bad nights do, and say what came of it.",
    discussion: """
      Each row is done for real: series whose Makefiles reach for the machine, patches that leave the tree, kernels that \
      hang, flood or forge, emulators that are killed, runs that are stopped. Each has to come out as it is written in its \
      row, with no process, mount or file left and nothing beside the run changed.

        patchbench faults
        patchbench faults 'build/*' patch/hunks
        patchbench faults --json > faults.json

      Exit status: 0 every row as expected; 1 one was otherwise; 3 the harness failed.
      """)

  @Argument(help: ArgumentHelp("The rows to try; * stands for any text. Default: all.", valueName: "pattern"))
  var patterns: [String] = []

  @Option(help: "How often runs are killed at random moments, in the row that does that.")
  var kills = 50

  @Flag(help: "Name the rows and do none of them.")
  var list = false

  @Flag(help: "Print JSON on standard output instead of the table.")
  var json = false

  @OptionGroup var common: CommonOptions

  /// The kernel that they are tried on: what is tried is patchbench, and one kernel is enough for it.
  private static let kernel = (name: "linux-6.12", profile: "kasan")

  func validate() throws {
    if kills < 1 { throw ValidationError("--kills needs a number of at least 1.") }
  }

  func run() async throws {
    let patterns = patterns.map(NamePattern.init)
    let faults = Fault.all.filter { fault in patterns.isEmpty || patterns.contains { $0.matches(fault.name) } }
    if faults.isEmpty {
      throw Failure(
        "no row is called so", advice: "`patchbench faults --list` names them all", status: ExitStatus.usage)
    }
    if list {
      Output.result(faults.map { "\($0.name)\n    \($0.what)\n    → \($0.expected)" }.joined(separator: "\n"))
      return
    }
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let definition = try KernelDefinition.load(Self.kernel.name, from: checkout.kernels)
    let root = common.cacheRoot(environment)
    let cache = try Cache(root)
    let jobs = WorkOptions.resources(jobs: nil, memory: nil).jobs
    let profile = try definition.profile(Self.kernel.profile)
    let report = try await untilSignal {
      let base = try await BaseBuild.prepare(definition, profile: profile, cache: cache, jobs: jobs) {
        Output.note($0)
      }
      return try await FaultBench.run(
        faults, base: base, cache: cache,
        executable: FilePath(URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path),
        options: [
          "--kernel", Self.kernel.name, "--profile", Self.kernel.profile, "--cache", root.string, "--home",
          checkout.home.string,
        ], environment: environment, kills: kills
      ) { row in
        Output.note("\(row.seen.isExpected ? "as expected" : "OTHERWISE")  \(row.name): \(row.seen.words)")
      }
    }
    if json {
      Output.result(try JSONText.of(report))
      Output.note(report.table)
    } else {
      Output.result(report.table)
    }
    if !report.isFine { throw ExitCode(ExitStatus.worse) }
  }
}
