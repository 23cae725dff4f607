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
    abstract: "Test patchbench against hostile patches, broken guests and interrupted runs.",
    discussion: """
      Each row causes one fault for real:

        - a series whose Makefile attacks the host
        - a patch that writes outside the tree
        - a kernel that hangs, floods its console or forges results
        - an emulator that is killed
        - a run that is stopped
        - a night that is killed, and a history that is damaged

      A row passes if patchbench reacts as the row says, leaves no process, mount or file behind, and changes nothing \
      outside the run.

        patchbench faults
        patchbench faults 'build/*' patch/hunks
        patchbench faults --json > faults.json

      Exit status: 0 all rows as expected; 1 at least one row was not; 3 the harness failed.
      """)

  @Argument(help: ArgumentHelp("The rows to run; * matches any text. Default: all.", valueName: "pattern"))
  var patterns: [String] = []

  @Option(parsing: .unconditional, help: "How many times to kill a run at a random moment, in the row that does that.")
  var kills = 50

  @Flag(help: "List the rows and run none of them.")
  var list = false

  @Flag(help: "Print JSON on standard output instead of the table.")
  var json = false

  @OptionGroup var common: CommonOptions

  /// The kernel that the rows run on. One is enough, because the rows test patchbench and not the kernel.
  private static let kernel = (name: "linux-6.12", profile: "kasan")

  func validate() throws {
    if kills < 1 { throw ValidationError("--kills must be at least 1.") }
  }

  func run() async throws {
    let patterns = patterns.map(NamePattern.init)
    let faults = Fault.all.filter { fault in patterns.isEmpty || patterns.contains { $0.matches(fault.name) } }
    if faults.isEmpty {
      throw Failure(
        "no row has this name", advice: "`patchbench faults --list` lists all rows", status: ExitStatus.usage)
    }
    if list {
      Output.result(faults.map { "\($0.name)\n    \($0.what)\n    → \($0.expected)" }.joined(separator: "\n"))
      return
    }
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    let definition = try checkout.kernel(Self.kernel.name)
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
          checkout.home.string, "--suite", checkout.suite.name,
        ], environment: environment, kills: kills
      ) { row in
        Output.note("\(row.seen.isExpected ? "as expected" : "OTHERWISE")  \(row.name): \(row.seen.words)")
      }
    }
    if json {
      Output.result(try JSONText.of(report))
      Output.aside(report.table)
    } else {
      Output.result(report.table)
    }
    if !report.isFine { throw ExitCode(ExitStatus.worse) }
  }
}
