// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Bench
import Foundation
import KernelBuild
import SeriesIntake
import SystemPackage
import Verdicts

struct ShellCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shell",
    abstract: "Open a shell in a guest that runs the kernel of a series, or of the base.",
    discussion: """
      Builds the series as `run` does, boots it with busybox, and connects this terminal to the guest's serial line. \
      In the guest, patchbench-guest runs the tests. `exit` or Ctrl-] ends the guest; nothing in it is kept.

        patchbench shell
        patchbench shell ~/v4 --kernel linux-6.1
        echo 'patchbench-guest --run forward/vgem-to-vkms/vm-file' | patchbench shell ~/v4
      """)

  @Argument(help: ArgumentHelp("A series. Default: the base.", valueName: "path"))
  var path: String?

  @Option(help: "The kernel: a directory under Kernels/. Default: \(Defaults.current.kernel.value).")
  var kernel: String?

  @Option(help: NamedKernels.help)
  var base: String?

  @Option(help: "The kernel's profile, which selects its config fragments.")
  var profile = Defaults.current.profile.value

  @Option(help: "auto, kvm or tcg, as in `run`.")
  var accelerator = AcceleratorChoice.auto

  @Option(help: ArgumentHelp("The libvirt connection. Default: the driver embedded in this process.", valueName: "uri"))
  var connect: String?

  @Flag(help: "Read and build the series outside the sandbox. Its author can then run any code here as you.")
  var noSandbox = false

  @OptionGroup var common: CommonOptions

  /// The path that both busybox-static and busybox install in Debian.
  private static let busybox = FilePath("/bin/busybox")

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let checkout = try common.checkout()
    try refuseIfUnfit(Doctor.quick(guestBinary: checkout.guestBinary))
    guard FileManager.default.fileExists(atPath: Self.busybox.string) else {
      throw Failure(
        "no busybox for the guest's shell", advice: "apt-get install busybox-static", status: ExitStatus.inconclusive)
    }
    let found = try path.map { try SeriesForms.find([$0]) } ?? []
    if found.count > 1 {
      throw Failure("\(path ?? "") has several series", advice: "name one of them", status: ExitStatus.usage)
    }
    let (definition, choice) = try NamedKernels.one(kernel, base: base, in: checkout)
    let resources = WorkOptions.resources(jobs: nil, memory: nil)
    let guest = ShellGuest(
      target: RunTarget(
        kernel: definition, profile: try definition.profile(profile), connection: connect, accelerator: accelerator,
        choice: choice),
      series: found.first, busybox: Self.busybox,
      limits: RunLimits(resources: resources, sandbox: noSandbox ? nil : Sandbox(jobs: resources.jobs)),
      checkout: checkout,
      place: try common.place(environment))
    try await untilSignal {
      try await guest.run(progress: { Output.note($0) }) { terminal in
        try await TerminalLine(terminal).connect()
      }
    }
  }
}
