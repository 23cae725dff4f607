// SPDX-License-Identifier: Apache-2.0

import BenchModel
import SystemPackage
import Toolbox

/// One of several series, in which something is wrong that shows before it is read. Reading it says so, so that the
/// others are judged.
struct UnreadSeries: SeriesSource {
  var name: String
  let path: FilePath
  let error: IntakeError

  var firstFile: String { path.lastComponent?.string ?? name }

  func read(into store: FilePath, cage: Cage?) async throws -> ReadSeries { throw error }

  /// Returns what `find` finds, or this if it finds a series that cannot be read.
  static func instead(
    of argument: SeriesArgument, _ find: (SeriesArgument) throws(IntakeError) -> [any SeriesSource]?
  ) throws(IntakeError) -> [any SeriesSource]? {
    do { return try find(argument) } catch {
      guard error.isOfOneSeries else { throw error }
      return [UnreadSeries(name: SeriesName.safe(argument.lastName), path: argument.path, error: error)]
    }
  }
}
