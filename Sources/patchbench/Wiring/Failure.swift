// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import MutantRun
import Mutation
import Reports
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// The words for everything that can end a command early, in one place: what is wrong, and what to do.
struct Failure: Error {
  var message: String
  var advice: String?
  var status: Int32
  /// The user stopped it.
  var isStop: Bool

  init(_ message: String, advice: String? = nil, status: Int32, isStop: Bool = false) {
    self.message = message
    self.advice = advice
    self.status = status
    self.isStop = isStop
  }

  /// The unknown counts as the harness's own fault, never as a verdict on a series.
  init(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as IntakeError: self.init(error.description, status: ExitStatus.usage)
    case let error as DefinitionError: self.init(error.description, status: ExitStatus.usage)
    case let error as NoSuchTest:
      self.init(
        "no test is called “\(error.pattern)”", advice: "`patchbench tests` lists them all; * stands for any text",
        status: ExitStatus.usage)
    case let error as OutputNotEmpty:
      self.init(
        "\(error.path) is not empty, and a run never overwrites another's record",
        advice: "name a new --output"
          + (error.isRun ? ", or go on with it: `\(RunMatrix.resume(FilePath(error.path)))`" : ""),
        status: ExitStatus.usage)
    case let error as NotResumable: self.init(error)
    case let error as UnreadableRecord: self.init(error)
    case let error as OrderError: self.init(error)
    case let error as RunInUse:
      self.init(
        "\(error.path) is being written to\(error.process.map { " by process \($0)" } ?? "")",
        advice: "wait until that run has ended, or end it", status: ExitStatus.usage)
    case let error as RunBrokenOff:
      let cause = Failure(error.cause)
      self.init(
        cause.message,
        advice: (cause.advice.map { "\($0); then " } ?? "")
          + "`\(RunMatrix.resume(FilePath(error.path)))` goes on; what was finished is kept",
        status: ExitStatus.inconclusive, isStop: cause.isStop)
    case let error as MutantListError:
      self.init(error.description, advice: "correct that line", status: ExitStatus.usage)
    case let error as NoMutants: self.init(error.description, status: ExitStatus.usage)
    case let error as ClangError:
      self.init(
        error.description, advice: "put the Swift toolchain's bin directory in PATH", status: ExitStatus.inconclusive)
    case let error as NoDriverSource:
      self.init(
        "the test driver's sources are not in \(error.directory)",
        advice: "run patchbench in its checkout, or name that with --home", status: ExitStatus.inconclusive)
    case StageError.fault(let fault):
      self.init(fault.message, advice: fault.advice, status: ExitStatus.inconclusive)
    case let error as NoCage:
      self.init(
        "no cage can be had to build strangers' patches in: \(error.reason)",
        advice:
          "apt-get install bubblewrap, as root or with unprivileged user namespaces allowed; or, if you trust these "
          + "patches with all that you may do here, --no-sandbox",
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

  private init(_ error: NotResumable) {
    let advice =
      switch error.reason {
      case .noPlan: "name a directory that `patchbench run` made; a run that was ended before it began is begun again"
      case .unreadable: "begin a new run"
      case .otherFormat: "go on with the patchbench that began it, or begin a new run"
      case .changed: "go on with what it was begun with, or begin a new run"
      }
    self.init(error.description, advice: advice, status: ExitStatus.usage)
  }

  private init(_ error: UnreadableRecord) {
    let place = "\(error.path):\(error.line)"
    switch error.reason {
    case .noEvent:
      self.init(
        "\(place): not an event; the record is damaged", advice: "restore the file, or run again with a new --output",
        status: ExitStatus.inconclusive)
    case .newer(let version):
      self.init(
        "\(place): written by a newer patchbench (record version \(version); this one reads up to \(EventRecord.version))",
        advice: "use the patchbench that wrote it", status: ExitStatus.usage)
    case .otherRun:
      self.init(
        "\(place): the event belongs to another run than those before it",
        advice: "restore the file, or run again with a new --output", status: ExitStatus.inconclusive)
    }
  }

  private init(_ error: OrderError) {
    let (message, advice) =
      switch error {
      case .unreadable(let path, let reason):
        ("\(path) cannot be read as an order: \(reason)", "name the order.json of a run with --executor process")
      case .newer(let path, let format):
        (
          "\(path) was made by a newer patchbench (order format \(format); this one reads up to \(TrialOrder.format))",
          "use the patchbench that made it"
        )
      case .noDiff(let path):
        ("\(path) is not there, or not what it was when the order was made", "make the order again")
      case .changed(let what):
        (
          "the order was made with something else: \(what.joined(separator: ", "))",
          "carry it out with what it was made with, or make it again"
        )
      case .notEmpty(let path): ("\(path) is not empty", "name a new --output")
      }
    self.init(message, advice: advice, status: ExitStatus.usage)
  }

  /// File names, and what tools say of them, may be a stranger's.
  private static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }.joined(separator: "\n")
  }

  /// One line of what is wrong, and one of what to do.
  func say() {
    Output.error("patchbench: \(Self.lines(message))")
    if let advice { Output.error("  → \(Self.lines(advice))") }
  }
}
