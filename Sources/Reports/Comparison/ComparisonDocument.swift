// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import GuestProtocol
internal import Verdicts

/// The JSON of two runs beside each other, as described by `Schema/compare.schema.json`.
struct ComparisonDocument: Encodable {
  /// Raised when a field is removed or changes its meaning; a new field does not raise it.
  static let format = 1

  var format = Self.format
  var kind = "compare"
  var exitStatus: Int32
  var cells: [Pair]
  var onlyThen: [Place]
  var onlyNow: [Place]
  var gaps: [CellGap]

  struct Pair: Encodable {
    var then: Place
    var now: Place
    var moves: [Move]
    @ExplicitNull var base: Base?
    var series: [Series]
    var onlyThen: [NamedVerdict]
    var onlyNow: [NamedVerdict]
  }

  struct Place: Encodable {
    var kernel: String
    var profile: String

    init(_ cell: Cell) { (kernel, profile) = (cell.kernel, cell.profile) }
  }

  struct Base: Encodable {
    var failing: OneSided
    var reports: OneSided
  }

  struct Series: Encodable {
    var then: NamedVerdict
    var now: NamedVerdict
    @ExplicitNull var obstacle: String?
    var gotWorse: Bool
    var worse: OneSided
    var fixed: OneSided
    var reports: OneSided
    var design: [String: OneSided]
    var uncompared: Int

    init(_ series: SeriesDifference) {
      then = series.then
      now = series.now
      _obstacle = ExplicitNull(wrappedValue: series.obstacle)
      gotWorse = series.gotWorse
      worse = series.worse
      fixed = series.fixed
      reports = series.reports
      design = Dictionary(uniqueKeysWithValues: series.design.map { ($0.key.rawValue, $0.value) })
      uncompared = series.uncompared
    }
  }

  init(_ difference: RunsDifference) {
    exitStatus = difference.exitStatus
    cells = difference.cells.map { cell in
      Pair(
        then: Place(cell.then), now: Place(cell.now), moves: cell.moves,
        base: cell.base.map { Base(failing: $0, reports: cell.baseReports ?? $0) },
        series: cell.series.map(Series.init), onlyThen: cell.onlyThen, onlyNow: cell.onlyNow)
    }
    onlyThen = difference.onlyThen.map(Place.init)
    onlyNow = difference.onlyNow.map(Place.init)
    gaps = difference.gaps
  }

  func encoded() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}
