// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// The values of `report.html`, already formatted as text.
///
/// The template looks a name up through all enclosing values. It treats an absent optional as a name that an outer
/// value may have. Therefore nothing here is optional, names are not reused in nested values, and "nothing" is an empty
/// array.
struct HTMLPage {
  var title: String
  var isStopped: Bool
  var facts: [Fact]
  var verdicts: [HTMLSeries]
  var costs: [HTMLCost]
  var matrix: [HTMLMatrix]
  var details: [HTMLSeries]
  var comparisons: [HTMLComparison]

  struct Fact {
    var term: String
    var value: String
  }

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let header = record.header
    title = visible("\(header.cell.kernel), profile \(header.cell.profile)")
    isStopped = record.interrupted
    facts = Self.facts(record)
    let all = judgements.enumerated().map { HTMLSeries($1, number: $0 + 1, header: record.header) }
    verdicts = all
    costs = HTMLCost(record, judgements).map { [$0] } ?? []
    details = all
    comparisons = (header.rangeDiffs ?? []).map(HTMLComparison.init)
    let hasTests = record.base?.run?.tests.isEmpty == false || judgements.contains { !$0.tests.isEmpty }
    matrix = hasTests ? [HTMLMatrix(base: record.base?.run?.tests ?? [], judgements)] : []
  }

  private static func facts(_ record: RunRecord) -> [Fact] {
    let header = record.header
    let base = record.base
    let origin = Words.origin(base).map { " (\($0))" } ?? ""
    let choice = record.baseWords.map { [("Taken as the base", $0)] } ?? []
    let others = [
      ("Base", "\(base?.run?.release.map { "\($0), " } ?? "")\(Words.base(base))\(origin)"),
      ("Source", header.source),
      ("Guest", "\(header.cell.guest), \(Words.counted(header.processors, "processor"))"),
      ("Accelerator", "\(header.accelerator.rawValue) (\(header.acceleratorReason))"),
      ("Emulator", header.emulator),
      ("Toolchain", header.toolchain),
      ("Series built", Words.sandbox(header)),
      ("Started", "\(Words.started(record)), by patchbench \(header.patchbench)"),
    ]
    return (choice + others).map { Fact(term: $0.0, value: visible($0.1)) }
  }
}

/// The test matrix: tests as rows, the base and each series as columns.
struct HTMLMatrix {
  var columns: [Column]
  var rows: [Row]

  struct Column {
    var number: Int
    var column: String
  }

  struct Row {
    var test: String
    var baseCell: Cell
    var cells: [Cell]
  }

  struct Cell {
    /// The status as a CSS class: one of our own words, never untrusted text.
    var look: String
    var status: String
    /// The change in words; at most one.
    var marks: [Mark]
  }

  struct Mark {
    var kind: String
    var word: String
  }

  init(base: [TestResult], _ judgements: [Judgement]) {
    // Only series whose guest ran have a column; a column for the others would be empty.
    let ran = judgements.enumerated().filter { !$1.tests.isEmpty }
    columns = ran.map { Column(number: $0 + 1, column: visible($1.series.name)) }
    var names: [String] = []
    var statuses: [String: TestStatus] = [:]
    for test in base where statuses[test.name] == nil {
      statuses[test.name] = test.status
      names.append(test.name)
    }
    var seen = Set(names)
    for test in ran.flatMap(\.element.tests) where seen.insert(test.name).inserted { names.append(test.name) }
    let tables = ran.map { _, judgement in
      Dictionary(judgement.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    rows = names.map { name in
      Row(
        test: visible(name), baseCell: Self.cell(statuses[name]),
        cells: tables.map { Self.cell($0[name]?.series, change: $0[name]?.change ?? .same) })
    }
  }

  private static func cell(_ status: TestStatus?, change: Change = .same) -> Cell {
    Cell(
      look: status?.rawValue ?? "none", status: status?.rawValue ?? "–",
      marks: change == .same || change.rawValue == status?.rawValue
        ? [] : [Mark(kind: change.rawValue, word: change.rawValue)])
  }
}
