// SPDX-License-Identifier: Apache-2.0

import BenchModel
public import KernelBuild
public import SeriesIntake
public import SystemPackage
public import Toolbox

/// Looks how series fit a base that is built.
struct BaseFitting: Sendable {
  private let kernel: UnpackedKernel
  private let cage: Cage?

  init(_ base: BaseBuild, kernel: String, cage: Cage?) {
    self.kernel = UnpackedKernel(base, name: kernel)
    self.cage = cage
  }

  /// Leaves out leading prerequisites with which a series does not apply, if it applies without them: most often the
  /// kernel already has them. If it applies in no way, it keeps all of them.
  func usable(_ one: ReadSeries) async throws -> ReadSeries {
    let count = one.series.prerequisites.count
    if count == 0 { return one }
    // Each try costs a process; nobody sends more than a few that were merged one by one.
    for number in Array(0...min(count, Self.mostTries)) + (count > Self.mostTries ? [count] : []) {
      guard try await kernel.applies(Array(one.diffs.dropFirst(number)), cage: cage) else { continue }
      if number == 0 { return one }
      var rest = one
      rest.series.patches.removeFirst(number)
      rest.diffs.removeFirst(number)
      let what =
        number == count
        ? count == 1 ? "its prerequisite is" : "its \(count) prerequisites are"
        : number == 1
          ? "the first of its \(count) prerequisites is" : "the first \(number) of its \(count) prerequisites are"
      let them = number == 1 ? "it" : "them"
      rest.series.origin?.notes.append(
        "\(what) left out: the series applies to \(kernel.name) without \(them) only; perhaps it already has \(them)")
      return rest
    }
    return one
  }

  /// How many files of each series are the ones that it was made from, by the series' name.
  func fits(_ series: [ReadSeries]) async throws -> [String: BaseFit] {
    let fits = try await kernel.fits(series.map(\.diffs), cage: cage)
    return Dictionary(uniqueKeysWithValues: zip(series.map(\.series.name), fits))
  }

  private static let mostTries = 20
}

/// Reads one series, without any other, and puts before it what it stands on and the base does not have.
/// - Parameter scratch: a directory for this only.
/// - Throws: as ``SeriesSource/read(into:cage:)``.
public func readAlone(
  _ source: any SeriesSource, on base: BaseBuild, into scratch: FilePath, cage: Cage?
) async throws -> ReadSeries {
  let place = scratch.appending("series")
  let read = try await source.read(into: place.appending(source.name), cage: cage)
  let whole = try await ReadSeries.onPrerequisites([read], in: place, cage: cage)[0]
  return try await BaseFitting(base, kernel: "the kernel", cage: cage).usable(whole)
}
