// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import SeriesIntake
import SystemPackage
import Toolbox

/// Runs trials. To add an executor, conform to this and add it to ``ExecutorChoice``.
protocol TrialExecutor: Sendable {
  /// Whether leading patches that several series share can be built once for all of these series.
  var sharesPatches: Bool { get }

  /// Runs the base's own image.
  /// - Throws: only when the run was cancelled, or the disk is full.
  func runBase(evidence: FilePath) async throws -> Trial

  /// Tries a series.
  /// - Parameters:
  ///   - layer: its leading patches, if they are already built; else `nil`.
  ///   - evidence: the directory with its diffs.
  /// - Throws: only when the run was cancelled, or the disk is full.
  func run(
    _ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath
  ) async throws -> Trial
}

extension TrialRunner: TrialExecutor {
  // A shared tree is built with the base's configuration.
  var sharesPatches: Bool { rules.settings == nil }
}

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

  func runBase(evidence: FilePath) async throws -> Trial { try await run(order, in: evidence) }

  func run(
    _ one: ReadSeries, on layer: SharedPatchTree?, base: BaseTrials, evidence: FilePath
  ) async throws -> Trial {
    guard let whole = await base.trial() else { return trial(of: one.series.name, .interrupted) }
    return try await run(try await order.of(one, in: evidence, base: whole), in: evidence)
  }

  private func trial(of name: String?, _ result: TrialResult) -> Trial {
    Trial(series: name, cell: order.rules.cell, seconds: StageSeconds(), reused: false, result: result)
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
      guard let data = FileManager.default.contents(atPath: TrialOrder.result(in: evidence).string),
        let trial = try? TrialOrder.decoder.decode(Trial.self, from: data)
      else {
        let words = ended.errors.split(separator: "\n").last.map(String.init) ?? "it printed no error"
        return self.trial(
          of: name, .fault(HarnessFault(stage: .build, message: "the trial's process wrote no trial: \(words)")))
      }
      return trial
    }
  }
}
