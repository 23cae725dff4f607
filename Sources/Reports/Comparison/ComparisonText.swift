// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// Two runs beside each other, for a terminal: what moved below the series, and then each series. Names, titles and
/// versions are untrusted text.
struct ComparisonText {
  private(set) var text = ""
  private let paint: Paint
  private let width: Int

  init(_ difference: RunsDifference, _ paint: Paint, width: Int) {
    self.paint = paint
    self.width = width
    for cell in difference.cells { take(cell) }
    for cell in difference.onlyThen { add(0, "\(cell.words): only in the earlier run") }
    for cell in difference.onlyNow { add(0, "\(cell.words): only in the later run") }
    for gap in difference.gaps { add(0, "\(gap.kernel), profile \(gap.profile): not run again: \(gap.reason)") }
    if !text.isEmpty { text += "\n" }
    add(0, Self.sum(difference))
  }

  private static func sum(_ difference: RunsDifference) -> String {
    let worse = difference.cells.flatMap { cell in
      cell.series.filter(\.gotWorse).map(\.now.name) + (cell.series.isEmpty && cell.gotWorse ? ["the base"] : [])
    }
    var seen: Set<String> = []
    let names = worse.filter { seen.insert($0).inserted }
    let verdict = names.isEmpty ? "Nothing got worse." : "Worse than before: \(names.joined(separator: ", "))."
    if difference.cells.isEmpty { return "These cannot be compared: they have no kernel and profile in common." }
    let obstacles =
      difference.cells.compactMap(\.obstacle) + (difference.gaps.isEmpty ? [] : ["a cell was not run again"])
    guard let first = obstacles.first else { return verdict }
    return "Not everything can be compared: \(first)." + (names.isEmpty ? "" : " \(verdict)")
  }

  private mutating func take(_ cell: RunDifference) {
    add(0, cell.now.words)
    for move in cell.moves { add(2, "base moved: \(move.what) \(move.then) → \(move.now)") }
    if let base = cell.base { add(2, base, "now fails on the base", "no longer fails on the base") }
    if let reports = cell.baseReports {
      list(2, reports.new, "new kernel report on the base")
      list(2, reports.gone, "kernel report gone from the base")
    }
    for series in cell.series { take(series) }
    for one in cell.onlyThen { add(2, "\(one.name): only in the earlier run, \(one.verdict.rawValue)") }
    for one in cell.onlyNow { add(2, "\(one.name): only in the later run, \(one.verdict.rawValue)") }
  }

  private mutating func take(_ series: SeriesDifference) {
    let name = series.then.name == series.now.name ? series.now.name : "\(series.then.name) → \(series.now.name)"
    let (then, now) = (series.then.verdict, series.now.verdict)
    let verdicts = then == now ? [now] : [then, now]
    let head = Columns.cut("  " + visible(name), to: max(20, width - 40))
    text += "\(head): \(verdicts.map { paint.verdict($0.rawValue, $0) }.joined(separator: " → "))"
    text += series.isSame ? ", as before\n" : "\n"
    if let obstacle = series.obstacle { return add(4, "cannot be compared: \(obstacle)") }
    add(4, series.worse, "newly worse", "no longer worse")
    add(4, series.fixed, "newly fixed", "no longer fixed")
    list(4, series.reports.new, "new kernel report")
    list(4, series.reports.gone, "kernel report gone")
    for design in Design.allCases {
      guard let found = series.design[design] else { continue }
      let of = "from the base by design (\(design.rawValue))"
      // These are neither better nor worse.
      add(4, found, "now differs \(of)", "no longer differs \(of)", most: 3)
    }
    if series.uncompared > 0 {
      add(4, "\(Words.counted(series.uncompared, "test")) answered in only one of the runs")
    }
  }

  /// Tests, those with the same question together.
  private mutating func add(_ indent: Int, _ tests: OneSided, _ new: String, _ gone: String, most: Int = most) {
    list(indent, Self.questions(tests.new), new, most: most)
    list(indent, Self.questions(tests.gone), gone, most: most)
  }

  private mutating func list(_ indent: Int, _ items: [String], _ what: String, most: Int = most) {
    for item in items.prefix(most) { add(indent, "\(what): \(item)") }
    if items.count > most { add(indent, "\(what): \(items.count - most) more, which --json lists") }
  }

  private static let most = 12

  /// `forward/*/vm-file (12 tests)`, or the name of the only test that asks a question.
  private static func questions(_ tests: [String]) -> [String] {
    tests.grouped { TestName($0).question }.map { key, asking in
      asking.count == 1 ? asking[0] : "\(key) (\(asking.count) tests)"
    }
  }

  private mutating func add(_ indent: Int, _ line: String) {
    text += Columns.cut(String(repeating: " ", count: indent) + visible(line), to: max(20, width)) + "\n"
  }
}
