// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import KernelBuild
import Verdicts

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check what is missing or unusable on this machine, and print the command that fixes it.",
    discussion: "Exit status: 0 everything that a run needs is there; 3 something is missing.")

  @Option(help: "The kernel whose source to check for: a directory under Kernels/.")
  var kernel = Defaults.current.kernel.value

  @Option(help: ArgumentHelp("The libvirt connection to try. Default: the embedded driver.", valueName: "uri"))
  var connect: String?

  @Flag(help: "Print the checks as JSON on standard output.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    let checks = await Doctor.full(
      checkout: checkout, cache: try Cache(common.cacheRoot(environment)),
      kernel: try checkout.kernel(kernel), connection: connect, environment: environment)
    if json {
      Output.result(try JSONText.of(checks))
    } else {
      Output.result(Self.table(checks, color: Output.isColored(1)))
      Output.result("\ndefaults:")
      for line in Defaults.current.lines { Output.result("  \(line.name): \(line.value) (\(line.origin))") }
    }
    if checks.contains(where: { $0.state == .missing }) { throw ExitCode(ExitStatus.inconclusive) }
  }

  static func table(_ checks: [DoctorCheck], color: Bool) -> String {
    let width = checks.map(\.name.count).max() ?? 0
    return checks.map { check in
      let mark =
        switch check.state {
        case .ok: color ? "\u{1b}[32mok     \u{1b}[0m" : "ok     "
        case .warning: color ? "\u{1b}[33mwarning\u{1b}[0m" : "warning"
        case .missing: color ? "\u{1b}[31mmissing\u{1b}[0m" : "missing"
        }
      let name = check.name.padding(toLength: width, withPad: " ", startingAt: 0)
      return "\(mark)  \(name)  \(check.detail)" + (check.remedy.map { "\n         → \($0.words)" } ?? "")
    }.joined(separator: "\n")
  }
}

/// Throws ``Failure`` before a run begins if something that the run needs is missing.
func refuseIfUnfit(_ checks: [DoctorCheck]) throws {
  let missing = checks.filter { $0.state == .missing }
  if missing.isEmpty { return }
  var packages: Set<String> = []
  var advice: [String] = []
  for remedy in missing.compactMap(\.remedy) {
    if case .packages(let names) = remedy { packages.formUnion(names) } else { advice.append(remedy.words) }
  }
  if !packages.isEmpty { advice.insert(Remedy.packages(packages.sorted()).words, at: 0) }
  throw Failure(
    "missing here: \(missing.map(\.name).joined(separator: ", "))", advice: advice.joined(separator: "; "),
    status: ExitStatus.inconclusive)
}
