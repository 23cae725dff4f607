// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SystemPackage
import Toolbox

extension Workshop {
  /// Compares the time from start to first test of a guest restored from a saved state with that of a guest that boots.
  func freshGuests(_ comparison: inout Comparison) async throws {
    let watch = GuestWatch(.standard(.tcg), clock: ContinuousClock())
    let directory = scratch.appending("fresh")
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    let options = GuestOptions(only: ["no/such-test"])
    var spec = MachineSpec(
      name: "patchbench-\(ProcessInfo.processInfo.processIdentifier)-fresh", base.profile.architecture,
      accelerator: .tcg, kernel: base.image, initramfs: plainInitramfs,
      commandLine: KernelCommandLine(options, for: base.profile.architecture),
      console: directory.appending("console.log"), results: directory.appending("results.ktap"))
    spec.devices = benchmark.checkout.suite.devices
    let seconds = try await LibvirtHost.with(uri: nil, environment: benchmark.place.environment) { host in
      try await host.withSavedGuest(spec, directory: directory, watch: watch) { saved in
        for number in 1...benchmark.pairs {
          say(.freshGuests, number)
          comparison.pairs.append(
            try await pair(number) {
              try await firstTest { body in
                try await saved.withMachine(
                  options, console: directory.appending("restored.log"),
                  results: directory.appending("restored.ktap"), body)
              }
            } theirs: {
              try await firstTest { try await host.withMachine(spec, $0) }
            })
        }
        return saved.seconds
      }
    }
    comparison.figures = [Comparison.Figure("to boot and save the guest that is restored", unit: "s", [seconds])]
  }

  /// Runs a guest to its end, and returns the time from its start to its first test, in seconds.
  private func firstTest(
    _ start: (_ body: @escaping @Sendable (LibvirtMachine) async throws -> Void) async throws -> Void
  ) async throws -> Double {
    let first = Locked<ContinuousClock.Instant?>(nil)
    let begun = ContinuousClock.now
    try await start { machine in
      _ = try await GuestWatch(.standard(.tcg), clock: ContinuousClock()).watch(machine, accelerator: .tcg) {
        progress in
        if case .testStarted = progress { first.withLock { $0 = $0 ?? .now } }
      }
    }
    guard let instant = first.withLock({ $0 }) else { throw BenchmarkError(message: "a guest started no test") }
    return (instant - begun) / .seconds(1)
  }
}
