// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Toolbox
import Verdicts

@main
struct Patchbench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "patchbench",
    abstract: "Of these candidate kernel patch series, which are right?",
    discussion: """
      patchbench judges kernel patch series that change how dma_buf_mmap() forwards a mapping, and the code around it. \
      For each series it:

        1. applies the patches to a kernel and builds it
        2. boots the kernel in QEMU
        3. runs tests of mmap forwarding and invalidation in the guest
        4. compares the results and the kernel log with the base, the same kernel without the series

        patchbench run series/my-fix series/other-fix
        patchbench run Patches/candidates --output results/thread
        patchbench resume results/thread
        patchbench report results/thread --format markdown
        patchbench compare results/v3 results/v4
        patchbench doctor

      Exit status:

        0  no series is worse than its base
        1  at least one series is worse
        2  the command line or the input cannot be used
        3  the harness failed, the run was stopped, or a series is inconclusive; this outweighs 1
      """,
    version: version,
    subcommands: [
      RunCommand.self, ResumeCommand.self, ReportCommand.self, CompareCommand.self, TestsCommand.self,
      SelfCheckCommand.self, MutantsCommand.self, TrialCommand.self,
      CacheCommand.self, CleanCommand.self, DoctorCommand.self, BenchmarkCommand.self, ShellCommand.self,
      FaultsCommand.self, ArchiveCommand.self, NightlyCommand.self,
      HistoryCommand.self, SinceCommand.self, CheckCommand.self, BisectCommand.self,
    ],
    defaultSubcommand: nil)

  /// The version that every report names.
  static let version = "0.1.0"

  /// Runs a command like the library's default `main`, except that a command line that cannot be parsed ends with the
  /// documented status 2, not with the library's 64.
  static func main() async {
    Allocator.keepLittle()
    BrokenPipe.becomesAnError()
    do {
      if let failure = CommandNames.failure(Array(CommandLine.arguments.dropFirst())) { throw failure }
      var command = try parseAsRoot()
      if var asyncCommand = command as? any AsyncParsableCommand {
        try await asyncCommand.run()
      } else {
        try command.run()
      }
    } catch let status as ExitCode {
      exit(withError: status)
    } catch {
      let status = exitCode(for: error)
      // `--help` and `--version` arrive as errors too; the library knows how to print them.
      if status.isSuccess { exit(withError: error) }
      if status == .validationFailure {
        Output.error(fullMessage(for: error))
        exit(withError: ExitCode(ExitStatus.usage))
      }
      let failure = Failure(error)
      failure.say()
      exit(withError: ExitCode(failure.status))
    }
  }
}
