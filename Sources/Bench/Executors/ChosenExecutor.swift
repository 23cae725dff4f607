// SPDX-License-Identifier: Apache-2.0

import Foundation
import GuestMachine
import KernelBuild
import SystemPackage
import Toolbox

extension BenchRun {
  /// Passes what runs the trials to `body`. Whatever of them is still at work afterwards is ended.
  /// - Parameter order: the order for the base.
  func withExecutor<Host>(
    _ trials: TrialRunner<Host>, _ order: TrialOrder, in directory: RunDirectory,
    _ body: @Sendable (any TrialExecutor) async throws -> Void
  ) async throws {
    let places = [
      "--home", plan.checkout.home.absolute.string, "--cache", plan.place.cache.root.absolute.string,
    ]
    let (resources, environment, events) = (plan.limits.resources, plan.place.environment, trials.events)
    switch plan.choices.executor {
    case .local: try await body(trials)
    case .process:
      try await body(
        ProcessExecutor(
          program: FilePath("/proc/\(ProcessInfo.processInfo.processIdentifier)/exe"),
          options: places + ["--jobs", "\(resources.jobs)"], environment: environment, order: order,
          resources: resources, events: events))
    case .slurm:
      let script = try SlurmSubmission.writeScript(in: trials.prepared.scratch)
      let share = plan.limits.slurm.share(machine: resources)
      let submission = SlurmSubmission(
        script: script, name: try await SlurmSubmission.name(of: directory), share: share,
        program: try SlurmSubmission.program(), options: places + share.options)
      try await SlurmQueue.with(name: submission.name, environment: environment) { queue in
        let most = plan.limits.slurm.queue
        try await body(
          SlurmExecutor(
            queue: queue, submission: submission, order: order, turns: Capacity(most), places: Capacity(most),
            events: events))
      }
    }
  }
}
