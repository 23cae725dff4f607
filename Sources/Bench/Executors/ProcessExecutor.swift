// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SeriesIntake
import SystemPackage
import Toolbox

/// Runs each trial in a separate process, which gets an order and nothing else.
struct ProcessExecutor: TrialExecutor {
  /// The path of patchbench, and below its options for the checkout and the cache.
  var program: FilePath
  var options: [String]
  var environment: [String: String]
  /// The base's order.
  var order: TrialOrder
  var resources: Resources
  var events: EventHub

  let sharesPatches = false
  var turns: Capacity { resources.series }

  func runBase(evidence: FilePath) async throws -> Trial { try await run(order, in: evidence) }

  func run(
    _ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath
  ) async throws -> Trial {
    guard let whole = await base.trial() else { return order.trial(of: one.series.name, .interrupted) }
    return try await run(try await order.of(one, in: evidence, base: whole), in: evidence)
  }

  private func run(_ order: TrialOrder, in evidence: FilePath) async throws -> Trial {
    let name = order.series?.series.name
    try order.write(to: TrialOrder.file(in: evidence))
    // The process builds and boots one after the other. One turn of either kind is too little for that, and one of each
    // is too much. It takes a guest's turn.
    return try await resources.guest {
      events.send(.stageStarted(series: name, stage: .build))
      let tool = Tool(
        program.string,
        ["trial", TrialOrder.file(in: evidence).absolute.string, "--output", evidence.absolute.string] + options,
        environment: environment)
      let ended = try await tool.run()
      guard let trial = TrialOrder.trial(in: evidence) else {
        let words = ended.errors.split(separator: "\n").last.map(String.init) ?? "it printed no error"
        return order.trial(
          of: name, .fault(HarnessFault(stage: .build, message: "the trial's process wrote no trial: \(words)")))
      }
      return trial
    }
  }
}
