// SPDX-License-Identifier: Apache-2.0

public import BenchModel
import Foundation
public import KernelBuild
public import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// Chooses the base of a run for which the user named none.
public struct BaseChooser: Sendable {
  private let checkout: Checkout
  private let cache: Cache
  private let limits: RunLimits
  /// The kernel must have all of them.
  private let profiles: [String]
  /// The name of the default.
  private let standard: String

  public init(_ checkout: Checkout, cache: Cache, limits: RunLimits, profiles: [String], standard: String) {
    self.checkout = checkout
    self.cache = cache
    self.limits = limits
    self.profiles = profiles
    self.standard = standard
  }

  /// Returns the kernel, and why it is the base.
  ///
  /// It is the commit that the series name, if a kernel's repository has it. Otherwise the kernels whose bases are built
  /// are compared; see ``chooseBase(_:standard:)``. If there are not two of them, nothing is read.
  /// - Throws: ``DefinitionError`` if there is no default; ``IntakeError`` if no series can be read; ``NoCage``,
  ///   ``ToolError``.
  public func choose(for sources: [any SeriesSource]) async throws -> (kernel: KernelDefinition, choice: BaseChoice) {
    let kernel = try checkout.kernel(standard)
    let known = definitions()
    var built: [UnpackedKernel] = []
    for other in known { if let tree = await unpacked(other) { built.append(tree) } }
    let repositories = known.filter(\.isRepository)
    let hasDefault = built.contains { $0.name == kernel.name }
    let canCompare = built.count > 1 && hasDefault
    var choice = BaseChoice(reason: hasDefault || built.isEmpty ? .standard : .notBuilt)
    if sources.isEmpty || repositories.isEmpty && !canCompare { return (kernel, choice) }
    let cage = try await limits.sandbox?.cage()
    return try await cache.withScratch { scratch in
      let series = try await readAll(sources, jobs: limits.resources.jobs, into: scratch, cage: cage)
        .filter { $0.refusal == nil }
      var untaken: BaseChoice.Untaken?
      if let named = Self.baseCommit(of: series) {
        for other in repositories.sorted(by: { $0.name == kernel.name && $1.name != kernel.name }) {
          switch try await other.commit(named, cache: cache) {
          case .inHistory(let commit):
            let own = try checkout.kernel(other.name, at: commit)
            return (own, BaseChoice(reason: .baseCommit, revision: commit))
          case .elsewhere(let commit):
            untaken = untaken ?? BaseChoice.Untaken(kernel: other.name, commit: commit)
          case nil: break
          }
        }
      }
      var chosen = kernel
      if canCompare {
        let candidates = try await built.concurrentMap(limit: limits.resources.jobs) {
          BaseCandidate(kernel: $0.name, fits: try await fits(series, $0, cage: cage))
        }
        let best = chooseBase(candidates, standard: kernel.name)
        choice = best.choice
        if best.kernel != kernel.name { chosen = try checkout.kernel(best.kernel) }
      }
      choice.untaken = untaken
      return (chosen, choice)
    }
  }

  /// The kernels that have the profiles, the newest first. A definition that cannot be read is an error only for who
  /// names it.
  private func definitions() -> [KernelDefinition] {
    KernelDefinition.newestFirst(in: checkout.kernels).compactMap { try? checkout.kernel($0) }.filter { kernel in
      profiles.allSatisfy { kernel.profiles[$0] != nil }
    }
  }

  /// The tree of a base that is built; `nil` also if its source is no longer there, or has to be fetched.
  private func unpacked(_ kernel: KernelDefinition) async -> UnpackedKernel? {
    if kernel.isRemote { return nil }
    let places = (try? FileManager.default.contentsOfDirectory(atPath: cache.bases.string)) ?? []
    for profile in profiles {
      // Most kernels that are defined were never built, and their sources need not be looked for.
      guard let profile = kernel.profiles[profile],
        places.contains(where: { $0.hasPrefix("\(kernel.name)-\(profile.name)-") }),
        let base = try? await BaseBuild.find(kernel, profile: profile, cache: cache)
      else { continue }
      return UnpackedKernel(base, name: kernel.name)
    }
    return nil
  }

  /// The base that series name: those that name one must name the same.
  private static func baseCommit(of series: [ReadSeries]) -> String? {
    let named = Set(series.compactMap { $0.series.origin?.baseCommit })
    return named.count == 1 ? named.first : nil
  }

  private func fits(_ series: [ReadSeries], _ kernel: UnpackedKernel, cage: Cage?) async throws -> [BaseFit] {
    var fits = try await kernel.fits(series.map(\.diffs), cage: cage)
    for (index, one) in series.enumerated() {
      fits[index].applies = try await kernel.applies(one.diffs, cage: cage)
    }
    return fits
  }
}
