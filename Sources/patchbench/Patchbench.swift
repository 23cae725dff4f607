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
      patchbench applies each series to a kernel, builds it, boots it in QEMU, runs tests of mmap forwarding and \
      invalidation in the guest, and compares what they and the kernel's log say with the same kernel without the \
      series.

        patchbench run series/my-fix series/other-fix
        patchbench run Patches/candidates --output results/thread
        patchbench resume results/thread
        patchbench report results/thread --format markdown
        patchbench doctor

      Exit status: 0 no series is worse than its base; 1 at least one is; 2 the command line or the input cannot be \
      used; 3 the harness failed, or something is inconclusive.
      """,
    version: version,
    subcommands: [
      RunCommand.self, ResumeCommand.self, ReportCommand.self, TestsCommand.self, SelfCheckCommand.self,
      MutantsCommand.self, TrialCommand.self,
      CacheCommand.self, CleanCommand.self, DoctorCommand.self, BenchmarkCommand.self, ShellCommand.self,
      FaultsCommand.self,
    ],
    defaultSubcommand: nil)

  /// Written into every report.
  static let version = "0.1.0"

  /// As the default, but a command line that cannot be parsed ends with 2, as documented, and not with the
  /// library's 64.
  static func main() async {
    Allocator.keepLittle()
    Output.outliveReaders()
    do {
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
      // `--help` and `--version` come as errors too, which the library knows how to print.
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
