// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import BisectRun
import Foundation
import GuestMachine
import History
import KernelBuild
import MutantRun
import Mutation
import Nights
import Reports
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// The message for everything that can end a command early: what is wrong, and what to do. All wording is in this type.
struct Failure: Error {
  var message: String
  var advice: String?
  var status: Int32
  /// Whether the user stopped the command.
  var isStop: Bool

  init(_ message: String, advice: String? = nil, status: Int32, isStop: Bool = false) {
    self.message = message
    self.advice = advice
    self.status = status
    self.isStop = isStop
  }

  /// Puts an error into words. An unknown error counts as a harness fault, never as a verdict on a series.
  init(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as IntakeError: self.init(error.description, status: ExitStatus.usage)
    case let error as DefinitionError: self.init(error.description, status: ExitStatus.usage)
    case let error as NoSuchTest:
      self.init(
        "no test is called “\(error.pattern)”", advice: "`patchbench tests` lists all tests; * matches any text",
        status: ExitStatus.usage)
    case let error as OutputNotEmpty:
      self.init(
        "\(error.path) is not empty, and a run never overwrites another's record",
        advice: "name a new --output"
          + (error.isRun ? ", or continue that run: `\(RunMatrix.resume(FilePath(error.path)))`" : ""),
        status: ExitStatus.usage)
    case let error as NotResumable: self.init(error)
    case let error as UnreadableRecord: self.init(error)
    case let error as OrderError: self.init(error)
    case let error as SlurmError: self.init(error)
    case let error as RunInUse:
      self.init(
        "\(error.path) is being written to\(error.process.map { " by process \($0)" } ?? "")",
        advice: "wait for that run, or end it", status: ExitStatus.usage)
    case let error as RunBrokenOff:
      let cause = Failure(error.cause)
      self.init(
        cause.message,
        advice: (cause.advice.map { "\($0); then " } ?? "")
          + "`\(RunMatrix.resume(FilePath(error.path)))` continues; what was finished is kept",
        status: ExitStatus.inconclusive, isStop: cause.isStop)
    case let error as MutantListError:
      self.init(error.description, advice: "correct that line", status: ExitStatus.usage)
    case let error as HistoryError: self.init(error)
    case let error as OwnTreeError: self.init(error.description, status: ExitStatus.inconclusive)
    case let error as MatrixFileError:
      self.init(error.description, advice: "docs/nightly.md has an example", status: ExitStatus.usage)
    case let error as BisectInput: self.init(error.description, advice: error.advice, status: ExitStatus.usage)
    case let error as GitBisectFailed: self.init(error.description, status: ExitStatus.inconclusive)
    case let error as HarnessFault:
      self.init(error.message, advice: error.advice, status: ExitStatus.inconclusive)
    case let error as NoMutants: self.init(error.description, status: ExitStatus.usage)
    case let error as ClangError:
      self.init(
        error.description, advice: "put the Swift toolchain's bin directory in PATH", status: ExitStatus.inconclusive)
    case let error as NoDriverSource:
      self.init(
        "the test driver's sources are not in \(error.directory)",
        advice: "run patchbench in its checkout, or name the checkout with --home", status: ExitStatus.inconclusive)
    case StageError.fault(let fault):
      self.init(fault.message, advice: fault.advice, status: ExitStatus.inconclusive)
    case let error as NoCage:
      self.init(
        "no sandbox to build untrusted patches in: \(error.reason)",
        advice:
          "apt-get install bubblewrap, and run as root or allow unprivileged user namespaces; or, if you trust these "
          + "patches to run any code here as you, --no-sandbox",
        status: ExitStatus.inconclusive)
    case StageError.cancelled, ToolError.cancelled, is CancellationError:
      self.init("stopped", status: ExitStatus.inconclusive, isStop: true)
    case ToolError.notFound(let name):
      self.init(
        "\(name) is not installed", advice: "run `patchbench doctor` to see what is missing",
        status: ExitStatus.inconclusive)
    case let error as ToolError: self.init(error.description, status: ExitStatus.inconclusive)
    case let error as LibvirtError:
      self.init(
        error.description, advice: "run `patchbench doctor` to see whether libvirt is usable here",
        status: ExitStatus.inconclusive)
    case StageError.noSpace: self = .noSpace("free some space, or set PATCHBENCH_CACHE elsewhere")
    case let error as Errno where error == .noSpace: self = .noSpace("free some space")
    case ToolError.cannotLog(_, .noSpace): self = .noSpace("free some space")
    case let error as CocoaError where error.code == .fileWriteOutOfSpace: self = .noSpace("free some space")
    case let error as Errno: self.init("\(error)", status: ExitStatus.inconclusive)
    case let error as CocoaError:
      let path = error.filePath.map { "\($0): " } ?? ""
      self.init("\(path)\(error.localizedDescription)", status: ExitStatus.inconclusive)
    default: self.init("unexpected: \(error)", status: ExitStatus.inconclusive)
    }
  }

  private static func noSpace(_ advice: String) -> Failure {
    Failure("no space left on the device", advice: advice, status: ExitStatus.inconclusive)
  }

  private init(_ error: HistoryError) {
    let advice =
      switch error {
      case .damaged: "`patchbench history rebuild` makes it again from the runs' records"
      case .newer: "use that patchbench, or name another --state"
      case .full: "free some space; then `patchbench history add RUN` adds what is missing"
      case .busy: "wait for the other process; then `patchbench history add RUN` adds what is missing"
      case .other: nil as String?
      }
    self.init(error.description, advice: advice, status: ExitStatus.inconclusive)
  }

  private init(_ error: NotResumable) {
    let advice =
      switch error.reason {
      case .noPlan: "name a directory that `patchbench run` made; if the run ended before it began, start it again"
      case .unreadable: "start a new run"
      case .otherFormat: "use the patchbench that began it, or start a new run"
      case .changed: "restore what has changed, or start a new run"
      }
    self.init(error.description, advice: advice, status: ExitStatus.usage)
  }

  private init(_ error: UnreadableRecord) {
    let place = "\(error.path):\(error.line)"
    switch error.reason {
    case .noEvent:
      self.init(
        "\(place): not an event; the record is corrupt", advice: "restore the file, or run again with a new --output",
        status: ExitStatus.inconclusive)
    case .newer(let version):
      self.init(
        "\(place): written by a newer patchbench (record version \(version); this one reads up to \(EventRecord.version))",
        advice: "use the patchbench that wrote it", status: ExitStatus.usage)
    case .otherRun:
      self.init(
        "\(place): the event belongs to a different run than the events before it",
        advice: "restore the file, or run again with a new --output", status: ExitStatus.inconclusive)
    }
  }

  private init(_ error: OrderError) {
    let (message, advice) =
      switch error {
      case .unreadable(let path, let reason):
        ("\(path) is not a valid order: \(reason)", "name the order.json of a run with --executor process")
      case .newer(let path, let format):
        (
          "\(path) was made by a newer patchbench (order format \(format); this one reads up to \(TrialOrder.format))",
          "use the patchbench that made it"
        )
      case .noDiff(let path):
        ("\(path) is missing, or has changed since the order was made", "make the order again")
      case .changed(let what):
        (
          "these have changed since the order was made: \(what.joined(separator: ", "))",
          "restore them, or make the order again"
        )
      case .notEmpty(let path): ("\(path) is not empty", "name a new --output")
      }
    self.init(message, advice: advice, status: ExitStatus.usage)
  }

  private init(_ error: SlurmError) {
    let (message, advice) =
      switch error {
      case .refused(let words):
        ("Slurm takes no jobs: \(words)", "sbatch reads options from SBATCH_PARTITION, SBATCH_ACCOUNT and others")
      case .unreachable(let words):
        ("Slurm does not answer: \(words)", "`sinfo` says whether it can be reached from here")
      case .hopeless(let job, let reason):
        (
          "Slurm's job \(job) would wait forever: \(reason)",
          "ask for less with --jobs and --memory, or name another partition in SBATCH_PARTITION"
        )
      case .programReplaced(let path):
        ("\(path) is gone, and the nodes cannot start it", "build or install patchbench again")
      }
    self.init(message, advice: advice, status: ExitStatus.inconclusive)
  }

  /// Escapes control characters in each line. File names, and tool messages that quote them, may come from a series.
  private static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }.joined(separator: "\n")
  }

  /// Prints one line that says what is wrong, and one that says what to do.
  func say() {
    Output.error("patchbench: \(Self.lines(message))")
    if let advice { Output.error("  → \(Self.lines(advice))") }
  }
}
