// SPDX-License-Identifier: Apache-2.0

import BenchModel
import KernelBuild
import KernelText
import SeriesIntake
import SystemPackage
import Toolbox

extension TrialRunner {
  /// Writes file and line behind the frames of what a kernel reported. What cannot be told stays as the kernel said it.
  /// - Parameter one: what the kernel was built from; `nil` for the base.
  func locate(_ one: ReadSeries?, evidence: FilePath, in trial: inout Trial) async throws {
    // Where trees are copies this would take longer than all that came before.
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
