// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import Verdicts

/// `report.json`. The fields are documented in `Schema/report.schema.json` only; a test keeps the two consistent.
struct ReportDocument: Encodable {
  /// Raised when a field is removed or changes its meaning; a new field does not raise it.
  static let format = 2

  var format = Self.format
  var patchbench: String
  var started: String
  @ExplicitNull var finished: String?
  var resumed: [String]
  var interrupted: Bool
  var exitStatus: Int32
  @ExplicitNull var reportSeconds: Double?
  var environment: Environment
  @ExplicitNull var baseChoice: BaseChoiceDocument?
  /// The answer in one sentence.
  var summary: String
  var questions: [QuestionDocument]
  var base: BaseDocument
  var series: [SeriesDocument]
  var rangeDiffs: [RangeDiffDocument]

  struct Environment: Encodable {
    var source: String
    var toolchain: String
    var emulator: String
    var accelerator: Accelerator
    var acceleratorReason: String
    var processors: Int
    @ExplicitNull var sandbox: String?
    var seriesConfig: [String]
  }

  /// A question that tests ask, in words.
  struct QuestionDocument: Encodable {
    var key: String
    var words: String
  }

  init(_ record: RunRecord, _ judgements: [Judgement]) {
    let header = record.header
    patchbench = header.patchbench
    started = record.started.formatted(.iso8601)
    finished = record.finished?.formatted(.iso8601)
    resumed = record.resumed.map { $0.formatted(.iso8601) }
    interrupted = record.interrupted
    exitStatus = ExitStatus.of(judgements, interrupted: record.interrupted)
    reportSeconds = SecondsDocument.rounded(Cost.known(record.reportSeconds))
    environment = Environment(
      source: header.source, toolchain: header.toolchain, emulator: header.emulator, accelerator: header.accelerator,
      acceleratorReason: header.acceleratorReason, processors: header.processors, sandbox: header.sandbox,
      seriesConfig: header.settings ?? [])
    baseChoice = header.choice.map { BaseChoiceDocument($0, words: record.baseWords ?? "") }
    summary = Summary.sentence(judgements)
    questions = Questions(judgements, base: record.base?.run, words: header.questions).rows.map {
      QuestionDocument(key: $0.key, words: $0.words)
    }
    base = BaseDocument(record)
    series = judgements.map { SeriesDocument($0, header: header) }
    rangeDiffs = (header.rangeDiffs ?? []).map(RangeDiffDocument.init)
  }

  func encoded(isIndented: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

/// One series of `report.json`.
struct SeriesDocument: Encodable {
  var name: String
  @ExplicitNull var cover: String?
  @ExplicitNull var origin: OriginDocument?
  @ExplicitNull var fit: FitDocument?
  var verdict: Verdict
  var reasons: [String]
  var patches: [PatchDocument]
  var cells: [CellDocument]

  struct PatchDocument: Encodable {
    var subject: String
    var author: String
    var file: String
    @ExplicitNull var from: String?
    @ExplicitNull var trailers: [TrailerDocument]?

    init(_ patch: Patch) {
      subject = patch.subject
      author = patch.author
      file = patch.file
      from = patch.from
      trailers = patch.trailers?.map {
        TrailerDocument(key: $0.key, value: $0.value, isFromReply: $0.isFromReply)
      }
    }
  }

  struct TrailerDocument: Encodable {
    var key: String
    var value: String
    var isFromReply: Bool
  }

  /// How well the base fits it.
  struct FitDocument: Encodable {
    var exact: Int
    var told: Int
  }

  /// What the series says of itself.
  struct OriginDocument: Encodable {
    @ExplicitNull var version: Int?
    @ExplicitNull var messageID: String?
    @ExplicitNull var date: String?
    @ExplicitNull var link: String?
    @ExplicitNull var changeID: String?
    @ExplicitNull var baseCommit: String?
    var prerequisites: [String]
    var notes: [String]
    var signatures: [String]

    init(_ origin: SeriesOrigin) {
      version = origin.version
      messageID = origin.messageID
      date = origin.date
      link = origin.link
      changeID = origin.changeID
      baseCommit = origin.baseCommit
      prerequisites = origin.prerequisites.map(\.id)
      notes = origin.notes
      signatures = origin.signatures ?? []
    }
  }

  init(_ judgement: Judgement, header: RunHeader) {
    name = judgement.series.name
    cover = judgement.series.cover?.subject
    origin = judgement.series.origin.map(OriginDocument.init)
    verdict = judgement.verdict
    reasons = judgement.reasons.map(\.description)
    fit = header.fits?[judgement.series.name].map { FitDocument(exact: $0.exact, told: $0.told) }
    patches = judgement.series.patches.map(PatchDocument.init)
    cells = [CellDocument(judgement, header: header)]
  }
}
