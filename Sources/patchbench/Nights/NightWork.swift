// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import KernelBuild
import Nights
import SeriesIntake
import SystemPackage
import Toolbox
import Verdicts

/// The work that a matrix file asks for, with everything in it found: kernels, profiles, series.
struct NightWork {
  /// One cell, with all its series.
  struct Cell {
    var plan: RunPlan
    /// By the series' name.
    var priorities: [String: Int]
  }

  var cells: [Cell]
  /// Of the series that have one, by name.
  var owners: [String: String]

  /// - Parameters:
  ///   - file: the matrix file's name, for errors.
  ///   - target: makes the plan of a kernel and a profile for some series.
  /// - Throws: ``MatrixFileError`` for a kernel or a profile that does not exist, or two series of one name.
  init(
    _ matrix: MatrixFile, file: String, checkout: Checkout, archived: (String, Int) async throws -> [String],
    plan: (KernelDefinition, KernelDefinition.Profile, [any SeriesSource]) throws -> RunPlan
  ) async throws {
    func wrong(_ line: Int, _ error: any Error) -> MatrixFileError {
      MatrixFileError(file: file, line: line, reason: Failure(error).message)
    }
    var order: [String] = []
    var found: [String: (KernelDefinition, KernelDefinition.Profile, [any SeriesSource], [String: Int])] = [:]
    owners = [:]
    for entry in matrix.entries {
      let series: [any SeriesSource]
      do {
        switch entry.source {
        case .arguments(let words): series = try SeriesForms.find(words.map(Self.expanded))
        case .archive(let path, let days):
          let names = try await archived(Self.expanded(path), days)
          series = names.isEmpty ? [] : try SeriesForms.find(names)
        }
      } catch let error as IntakeError { throw wrong(entry.line, error) }
      for one in series { owners[one.name] = entry.owner ?? matrix.owner }
      for name in entry.groups {
        let group = matrix.groups[name]!
        for kernelName in group.kernels {
          for profileName in group.profiles {
            let key = "\(kernelName)/\(profileName)"
            if found[key] == nil {
              do {
                let kernel = try checkout.kernel(kernelName)
                found[key] = (kernel, try kernel.profile(profileName), [], [:])
                order.append(key)
              } catch { throw wrong(group.line, error) }
            }
            for one in series {
              if let other = found[key]!.2.first(where: { $0.name == one.name }) {
                // Two groups of one entry may share a cell.
                if other.path == one.path { continue }
                throw MatrixFileError(
                  file: file, line: entry.line,
                  reason: "two series are called “\(one.name)”: \(other.path) and \(one.path)")
              }
              found[key]!.2.append(one)
              found[key]!.3[one.name] = entry.priority
            }
          }
        }
      }
    }
    cells = try order.compactMap { key in
      let (kernel, profile, series, priorities) = found[key]!
      return series.isEmpty ? nil : Cell(plan: try plan(kernel, profile, series), priorities: priorities)
    }
  }

  /// Returns what is done tonight.
  /// - Parameter budget: in seconds; `nil` is without end.
  func plan(budget: Double?) async throws -> NightPlan {
    var items: [NightPlan.Item] = []
    var bases: [String: Double] = [:]
    for cell in cells {
      let forecast = try await BenchRun(cell.plan, sinks: []).forecast()
      let (kernel, profile) = (cell.plan.cell.kernel, cell.plan.cell.profile)
      let costs = Dictionary(
        forecast.entries.compactMap { entry in entry.series.map { ($0, entry.seconds) } },
        uniquingKeysWith: { first, _ in first })
      bases["\(kernel)/\(profile)"] = forecast.entries.first { $0.series == nil }?.seconds ?? 0
      items += cell.plan.series.map { one in
        NightPlan.Item(
          series: one.name, kernel: kernel, profile: profile, priority: cell.priorities[one.name] ?? 0,
          seconds: costs[one.name] ?? 0)
      }
    }
    return NightPlan(items, bases: bases, budget: budget, jobs: cells.first?.plan.limits.resources.jobs ?? 1)
  }

  /// Returns the plans of tonight's runs: each cell that has something to do, with the series that it does.
  /// - Parameter directory: the night's.
  func runs(_ tonight: NightPlan, in directory: FilePath) -> [RunPlan] {
    cells.compactMap { cell in
      var plan = cell.plan
      let names = Set(
        tonight.tonight.filter { $0.kernel == plan.cell.kernel && $0.profile == plan.cell.profile }.map(\.series))
      plan.series = plan.series.filter { names.contains($0.name) }
      plan.place.output = directory.appending("\(plan.target.kernel.label)-\(plan.target.profile.name)")
      return plan.series.isEmpty ? nil : plan
    }
  }

  private static func expanded(_ path: String) -> String { NSString(string: path).expandingTildeInPath }
}
