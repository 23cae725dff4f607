// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import KernelText
internal import Verdicts

/// A series in one cell: its trial, compared with the base's.
struct CellDocument: Encodable {
  var trial: TrialDocument
  var causes: [CauseDocument]
  var differences: [DifferenceDocument]
  var tests: [TestDocument]
  var kernelReports: [KernelReportDocument]

  /// One thing that is wrong with the series.
  struct CauseDocument: Encodable {
    var kind: CauseKind
    var words: String
    var tests: [String]
    var kernelReports: [String]

    init(_ cause: Cause) {
      kind = cause.kind
      words = cause.words
      tests = cause.tests
      kernelReports = cause.reports
    }
  }

  /// A question of design that the series answers in its own way.
  struct DifferenceDocument: Encodable {
    var design: Design
    var question: String
    var tests: [String]
  }

  struct TestDocument: Encodable {
    var name: String
    var base: TestStatus
    var series: TestStatus
    var change: Change
    var baseReason: String
    var reason: String
    var baseTries: TriesDocument
    var seriesTries: TriesDocument
    /// The probability that two equal sides differ as much; 1 if each was tried once.
    var chance: Double
    /// The number of checks that passed on both sides.
    var held: Int
    /// All others.
    var checks: [CheckDocument]
    var log: [String]
    @ExplicitNull var again: String?
  }

  struct TriesDocument: Encodable {
    var ok: Int
    var of: Int
    var low: Double
    var high: Double

    init(_ tries: Tries) {
      ok = tries.ok
      of = tries.of
      low = Self.rounded(tries.interval.lowerBound)
      high = Self.rounded(tries.interval.upperBound)
    }

    static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
  }

  struct CheckDocument: Encodable {
    var name: String
    @ExplicitNull var design: Design?
    @ExplicitNull var base: CheckSide?
    @ExplicitNull var series: CheckSide?
  }

  struct KernelReportDocument: Encodable {
    var title: String
    var kind: KernelReport.Kind
    var fingerprint: String
    @ExplicitNull var test: String?
    @ExplicitNull var taint: [String]?
    var onBase: Bool
    /// Why the report does not count against the series although the base does not have it.
    @ExplicitNull var known: String?
    var trace: [String]
  }

  enum Keys: String, CodingKey {
    case causes, differences, tests, kernelReports
  }

  init(_ judgement: Judgement, header: RunHeader) {
    trial = TrialDocument(judgement.trial, of: judgement.series, header: header)
    tests = judgement.tests.map { test in
      TestDocument(
        name: test.name, base: test.base, series: test.series, change: test.change, baseReason: test.baseReason,
        reason: test.reason, baseTries: TriesDocument(test.baseTries), seriesTries: TriesDocument(test.seriesTries),
        chance: TriesDocument.rounded(Tries.chance(test.baseTries, test.seriesTries)),
        held: test.heldChecks,
        checks: test.checks.filter { !$0.isHeld }.map {
          CheckDocument(
            name: $0.name, design: $0.design, base: $0.base.map(CheckSide.init), series: $0.series.map(CheckSide.init))
        }, log: judgement.trial?.run?.logs?[test.name] ?? [],
        again: test.isWorthRepeating ? RerunCommand.command(test.name, of: judgement.series, header) : nil)
    }
    causes = judgement.causes(header.causes ?? []).map(CauseDocument.init)
    differences = judgement.differences.map {
      DifferenceDocument(design: $0.design, question: $0.design.question, tests: $0.tests.map(\.name))
    }
    kernelReports = judgement.reports.map {
      KernelReportDocument(
        title: $0.report.title, kind: $0.report.kind, fingerprint: $0.report.fingerprint, test: $0.report.test,
        taint: $0.report.taints.map { $0.map(\.rawValue).map(String.init) },
        onBase: $0.onBase,
        known: $0.known.map { "\($0.reason), \($0.link)" }, trace: $0.report.trace)
    }
  }

  /// Encodes the trial's fields at the same level as the cell's own.
  func encode(to encoder: any Encoder) throws {
    try trial.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(causes, forKey: .causes)
    try container.encode(differences, forKey: .differences)
    try container.encode(tests, forKey: .tests)
    try container.encode(kernelReports, forKey: .kernelReports)
  }
}

/// The result of a check on one side.
struct CheckSide: Encodable {
  var passed: Bool
  var detail: String

  init(_ check: Check) {
    passed = check.passed
    detail = check.detail
  }
}

/// The base: a trial that is compared with nothing.
struct BaseDocument: Encodable {
  var trial: TrialDocument
  var tests: [TestDocument]
  var kernelReports: [KernelReportDocument]

  struct TestDocument: Encodable {
    var name: String
    var status: TestStatus
    var reason: String
    var checks: [CheckDocument]
    var log: [String]
  }

  struct CheckDocument: Encodable {
    var name: String
    @ExplicitNull var design: Design?
    var passed: Bool
    var detail: String
  }

  struct KernelReportDocument: Encodable {
    var title: String
    var kind: KernelReport.Kind
    var fingerprint: String
    @ExplicitNull var test: String?
    @ExplicitNull var taint: [String]?
    var trace: [String]
  }

  init(_ record: RunRecord) {
    trial = TrialDocument(record.base, header: record.header)
    tests =
      record.base?.run?.tests.map { test in
        TestDocument(
          name: test.name, status: test.status, reason: test.reason,
          checks: test.checks.map {
            CheckDocument(name: $0.name, design: $0.design, passed: $0.passed, detail: $0.detail)
          },
          log: record.base?.run?.logs?[test.name] ?? [])
      } ?? []
    kernelReports =
      record.base?.run?.reports.map {
        KernelReportDocument(
          title: $0.title, kind: $0.kind, fingerprint: $0.fingerprint, test: $0.test,
          taint: $0.taints.map { $0.map(\.rawValue).map(String.init) }, trace: $0.trace)
      } ?? []
  }

  func encode(to encoder: any Encoder) throws {
    try trial.encode(to: encoder)
    var container = encoder.container(keyedBy: CellDocument.Keys.self)
    try container.encode(tests, forKey: .tests)
    try container.encode(kernelReports, forKey: .kernelReports)
  }
}
