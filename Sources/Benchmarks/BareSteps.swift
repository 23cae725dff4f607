// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import Toolbox

/// The steps that a developer with a built tree and QEMU would type: apply, make, boot. They use a separate tree, which
/// is changed in place, and no ccache.
struct BareSteps {
  var base: BaseBuild
  var tree: SeriesTree
  var initramfs: FilePath
  /// The suite's devices.
  var devices: [String]
  /// How many tests the guest runs.
  var tests: Int
  var jobs: Int
  var scratch: FilePath

  /// How long one pass took, in seconds.
  struct Run {
    /// git apply and make.
    var build: Double
    /// QEMU, from start to end.
    var guest: Double
    var seconds: Double { build + guest }
  }

  /// Applies, builds and boots one series.
  func run(_ series: FilePath) async throws -> Run {
    let read = try await self.read(series)
    let begun = ContinuousClock.now
    if let refused = try await tree.apply(read.series, diffs: read.diffs) {
      throw BenchmarkError(message: "a generated series does not apply: \(refused.message)")
    }
    try await make()
    let built = ContinuousClock.now
    guard let image = tree.image else { throw BenchmarkError(message: "the bare build left no image") }
    try await boot(image)
    return Run(build: (built - begun) / .seconds(1), guest: (.now - built) / .seconds(1))
  }

  /// Reverts the series and compiles, so that the next series finds the tree as it was. This is not measured, and does
  /// not link, because the next series has to link anyway.
  func undo(_ series: FilePath) async throws {
    for diff in try await read(series).diffs.reversed() {
      _ = try await tree.wrapTrusted(Git.tool(["apply", "-R", "--", diff.string])).output()
    }
    try await make("vmlinux.a")
  }

  private func read(_ series: FilePath) async throws -> ReadSeries {
    let store = scratch.appending("diffs-\(UUID().uuidString)")
    guard let source = try SeriesForms.find([series.string]).first else {
      throw BenchmarkError(message: "\(series) is not a series")
    }
    return try await source.read(into: store, cage: nil)
  }

  private func make(_ target: String? = nil) async throws {
    let log = scratch.appending("bare.log")
    guard try await tree.makeByHand(target, jobs: jobs, log: log).isSuccess else {
      throw BenchmarkError(message: "the bare build failed; see \(log)")
    }
  }

  /// Boots an image with QEMU directly, and runs the tests.
  /// - Throws: ``BenchmarkError`` if a test gave no answer.
  private func boot(_ image: FilePath) async throws {
    let architecture = base.profile.architecture
    var spec = MachineSpec(
      name: "bare", architecture, accelerator: .tcg, kernel: image, initramfs: initramfs,
      commandLine: KernelCommandLine(GuestOptions(), for: architecture),
      console: scratch.appending("bare-console.log"), results: scratch.appending("bare-results.ktap"))
    spec.devices = devices
    _ = try await Tool(architecture.emulation.program, Self.arguments(spec)).output(deadline: .seconds(900))
    let text = (try? String(contentsOfFile: spec.results.string, encoding: .utf8)) ?? ""
    let results = text.split(separator: "\n").count { $0.hasPrefix("ok ") || $0.hasPrefix("not ok ") }
    if results != tests {
      throw BenchmarkError(message: "\(results) of \(tests) tests answered in the bare guest; see \(spec.console)")
    }
  }

  /// Returns QEMU arguments for the same devices that libvirt is asked for.
  private static func arguments(_ spec: MachineSpec) -> [String] {
    let here = spec.architecture.emulation
    return [
      "-machine", here.machine, "-accel", "tcg",
      "-cpu",
      ([here.processor.model] + here.processor.features.map { "+\($0)" }).joined(separator: ","),
      "-m", "\(spec.memory)", "-smp",
      "\(spec.processors)", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
      "-kernel", spec.kernel.string, "-initrd", spec.initramfs.string, "-append", spec.commandLine.text,
      "-serial", "file:\(spec.console)",
      "-device", "virtio-serial-pci", "-chardev", "file,id=results,path=\(spec.results)",
      "-device", "virtserialport,chardev=results,name=\(MachineSpec.resultsPort)",
    ] + (here.firmware.map { ["-bios", $0] } ?? []) + spec.deviceArguments
  }
}
