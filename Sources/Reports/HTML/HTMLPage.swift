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
  /// The answer in one sentence.
  var lead: String
  /// What a reader can narrow it down to; none or one.
  var choices: [HTMLFilters]
  /// The series, the best verdict first.
  var answers: [HTMLAnswer]
  /// What fails on the base; none or one.
  var bugTables: [HTMLBugs]
  var baseFacts: [String]
  /// The base's evidence.
  var baseFiles: [HTMLFile]
  /// None or one.
  var questionTables: [HTMLQuestions]
  /// In the order of ``answers``.
  var details: [HTMLSeries]
  var comparisons: [HTMLComparison]
  var costs: [HTMLCost]
  var facts: [Fact]

  struct Fact {
    var term: String
    var value: String
  }

  init(_ record: RunRecord, _ judgements: [Judgement], _ evidence: EvidenceFiles) {
    let header = record.header
    title = visible("\(header.cell.kernel), profile \(header.cell.profile)")
    isStopped = record.interrupted
    lead = visible(Summary.sentence(judgements))
    let ranked = SeriesAnswer.ranked(judgements, header)
    answers = ranked.map { HTMLAnswer($0, header) }
    let base = record.base?.run
    let questions = Questions(judgements, base: base, words: header.questions)
    let ran = ranked.filter { !$0.judgement.tests.isEmpty }
    let told = Set((base?.tests ?? []).filter(\.status.isNotable).map(\.name))
      .union(ran.flatMap { $0.judgement.notableTests.map(\.name) })
    let classes = HTMLClasses(questions.rows.flatMap(\.tests).filter(told.contains))
    let chosen = HTMLFilters(ranked, ran, classes)
    choices = chosen.filters.isEmpty ? [] : [chosen]
    bugTables = HTMLBugs(questions, ran, classes).map { [$0] } ?? []
    baseFacts = visible(Self.baseFacts(record))
    questionTables = HTMLQuestions(questions, ran, base: base, classes).map { [$0] } ?? []
    baseFiles = evidence.base.map(HTMLFile.init)
    details = ranked.map {
      HTMLSeries($0, header: header, evidence: evidence.series[$0.judgement.series.name] ?? [], classes)
    }
    comparisons = (header.rangeDiffs ?? []).map(HTMLComparison.init)
    costs = HTMLCost(record, judgements).map { [$0] } ?? []
    facts = Self.facts(record)
  }

  /// The base in two lines.
  private static func baseFacts(_ record: RunRecord) -> [String] {
    let header = record.header
    let base = record.base
    let release = base?.run?.release.map { " (\($0))" } ?? ""
    let origin = Words.origin(base).map { ", \($0)" } ?? ""
    return [
      "Base: \(header.cell.kernel)\(release), profile \(header.cell.profile), \(header.accelerator.rawValue)\(origin).",
      "On the base: \(Words.base(base)).",
    ]
  }

  private static func facts(_ record: RunRecord) -> [Fact] {
    let header = record.header
    let choice = record.baseWords.map { [("Taken as the base", $0)] } ?? []
    let others = [
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
