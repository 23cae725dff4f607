import ArgumentParser
import Bench
import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

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
        "\(error.path) is not empty, and a run never overwrites another's record", advice: "name a new --output",
        status: ExitStatus.usage)
    case StageError.fault(let fault):
      self.init(fault.message, advice: fault.advice, status: ExitStatus.inconclusive)
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
    case let error as Errno where error == .noSpace:
      self.init("no space left on the device", advice: "free some space", status: ExitStatus.inconclusive)
    case let error as Errno: self.init("\(error)", status: ExitStatus.inconclusive)
    case let error as CocoaError:
      let path = error.filePath.map { "\($0): " } ?? ""
      self.init("\(path)\(error.localizedDescription)", status: ExitStatus.inconclusive)
    default: self.init("unexpected: \(error)", status: ExitStatus.inconclusive)
    }
  }

  /// One line of what is wrong, and one of what to do.
  func say() {
    Output.error("patchbench: \(message)")
    if let advice { Output.error("  → \(advice)") }
  }
}
