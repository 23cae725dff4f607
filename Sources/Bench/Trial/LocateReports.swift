// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild
import KernelText
import SeriesIntake
import SystemPackage
import Toolbox

extension TrialRunner {
  /// Appends file and line to the frames of kernel reports. A frame that cannot be resolved stays as the kernel printed
  /// it.
  /// - Parameter one: the series that the kernel was built from; `nil` for the base.
  func locate(_ one: ReadSeries?, evidence: FilePath, in trial: inout Trial) async throws {
    // If trees are copies, this would take longer than the whole trial before it.
    guard case .ran(let run) = trial.result, method != .copy else { return }
    let addresses = run.addresses
    if addresses.isEmpty { return }
    let begun = ContinuousClock.now
    defer { trial.seconds.add(.collect, (.now - begun) / .seconds(1)) }
    do {
      let places = try await resources.build {
        try await cache.withScratch { scratch in
          let tree = try await SeriesTree.make(base, method: method, cage: cage, scratch: scratch)
          if let one {
            let diffs = one.diffs.map { evidence.appending($0.lastComponent!.string).absolute }
            guard try await tree.apply(one.series, diffs: diffs) == nil else { return [CodeAddress: String]() }
          }
          let touched = Set(one?.series.patches.flatMap(\.paths) ?? [])
          return try await tree.sourceLines(of: addresses, touched: touched, jobs: resources.jobs)
        }
      }
      trial.result = .ran(run.located(places))
    } catch  where !error.endsRun {
      events.send(.progress(series: trial.series, stage: .done, text: "no source lines for its reports: \(error)"))
    }
  }
}
