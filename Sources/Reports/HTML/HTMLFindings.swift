// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// One thing that is wrong with a series; see ``HTMLPage`` for why nothing is optional.
struct HTMLCause {
  var kind: String
  var causeWords: String
  /// The tests and the kernel reports that show it; the first few.
  var evidence: [HTMLPlace]
  /// How many more there are; none or one.
  var rest: [String]

  init(_ cause: Cause, of answer: SeriesAnswer) {
    kind = cause.kind.words
    causeWords = visible(cause.words)
    let all =
      cause.tests.map { HTMLPlace(Anchor.test($0, series: answer.number), $0) }
      + cause.reports.map { HTMLPlace(Anchor.report($0, series: answer.number), $0) }
    evidence = Array(all.prefix(Self.most))
    rest = all.count > Self.most ? ["and \(all.count - Self.most) more"] : []
  }

  private static let most = 3
}

/// A link to a place of the report.
struct HTMLPlace {
  var place: String
  var placeName: String

  init(_ anchor: String, _ name: String) {
    place = anchor
    placeName = visible(name)
  }
}

/// A question of design that a series answers in its own way.
struct HTMLDifference {
  var designQuestion: String
  /// Its answer: the first check that shows it.
  var example: String
  var howMany: String

  init(_ design: Design, _ tests: [TestComparison]) {
    designQuestion = design.question
    howMany = Words.counted(tests.count, "test")
    let first = tests.first.flatMap { test in
      test.differences.first { $0.design == design }.map { (test.name, $0) }
    }
    example = visible(first.map { "\($0.0): \($0.1.name): \(Self.answer($0.1))" } ?? "")
  }

  /// What the series answers; without a detail, only whether it still is so.
  private static func answer(_ check: CheckComparison) -> String {
    guard let series = check.series else { return "" }
    if !series.detail.isEmpty { return series.detail }
    return series.passed ? "now so" : "no longer so"
  }
}

/// The aliases of a buffer as boxes, on the base and with the series, and the same in words.
struct HTMLPicture {
  var pairName: String
  var height: Int
  var boxes: [HTMLBox]
  var sentences: [String]

  init(_ picture: AliasPicture) {
    pairName = visible(picture.pair)
    sentences = visible(picture.sentences)
    height = 34 + picture.aliases.count * Self.step
    boxes = picture.aliases.enumerated().map { index, alias in
      let top = 30 + index * Self.step
      return HTMLBox(
        middle: top + 26, way: visible(alias.words),
        links: [HTMLLinkBox(alias.base, left: 200, top: top), HTMLLinkBox(alias.series, left: 480, top: top)])
    }
  }

  private static let step = 62
}

/// One alias of the picture. The numbers are pixels.
struct HTMLBox {
  var middle: Int
  var way: String
  var links: [HTMLLinkBox]
}

struct HTMLLinkBox {
  var left: Int
  var inside: Int
  var boxTop: Int
  var firstLine: Int
  var secondLine: Int
  var boxLook: String
  var linkedTo: String
  var fate: String

  init(_ link: AliasPicture.Link, left: Int, top: Int) {
    self.left = left
    inside = left + 10
    boxTop = top
    firstLine = top + 20
    secondLine = top + 38
    boxLook = link.wasUnmapped.map { $0 ? "good" : "bad" } ?? "plain"
    linkedTo = visible(Columns.cut(link.place, to: 34))
    fate = link.fate ?? ""
  }
}

/// Tests that answer a question alike; the first of them is shown.
struct HTMLTest {
  var anchor: String
  var classes: String
  var path: String
  /// The question that it answers; none or one.
  var questions: [String]
  var bothSides: String
  var change: String
  var remarks: [HTMLReason]
  var hasChecks: Bool
  var checks: [HTMLCheck]
  var helds: [String]
  /// The kernel's log while it ran with the series; none or one.
  var kernelLogs: [String]
  /// The command that runs it again; none or one.
  var commands: [String]
  var hasAlike: Bool
  var alike: [HTMLPlace]

  init(
    _ group: TestGroup, of answer: SeriesAnswer, classes: HTMLClasses, question: String?, log: [String], again: String?
  ) {
    let test = group.first
    self.classes = classes.text(([test] + group.others).map(\.name))
    anchor = Anchor.test(test.name, series: answer.number)
    alike = group.others.map { HTMLPlace(Anchor.test($0.name, series: answer.number), $0.name) }
    hasAlike = !alike.isEmpty
    commands = again.map { [visible($0)] } ?? []
    path = visible(test.name)
    questions = question.map { [visible($0)] } ?? []
    bothSides = Words.sides(test)
    change = test.change.rawValue
    checks = test.notableChecks.map { check in
      HTMLCheck(
        what: visible(check.name), isByDesign: check.design != nil,
        sides: [HTMLSide(check.base), HTMLSide(check.series)])
    }
    hasChecks = !checks.isEmpty
    let sides = [("base", test.baseReason), ("series", test.reason)]
    remarks = hasChecks ? [] : sides.filter { !$0.1.isEmpty }.map { HTMLReason(Reason($0.0, $0.1)) }
    let held = test.heldChecks
    kernelLogs = log.isEmpty ? [] : [visible(log).joined(separator: "\n")]
    helds = hasChecks && held > 0 ? ["\(Words.counted(held, "other check")) passed on both sides."] : []
  }
}

struct HTMLCheck {
  var what: String
  var isByDesign: Bool
  var sides: [HTMLSide]
}

struct HTMLSide {
  var sideLook: String
  var sideWord: String
  var detail: String

  init(_ check: Check?) {
    sideLook = check.map { $0.passed ? "ok" : "not-ok" } ?? "none"
    sideWord = check.map { $0.passed ? "ok" : "not ok" } ?? "–"
    detail = visible(check?.detail ?? "")
  }
}

struct HTMLKernelReport {
  var reportAnchor: String
  var headline: String
  var origin: String
  var traces: [String]

  init(_ group: ReportGroup, of answer: SeriesAnswer) {
    reportAnchor = Anchor.report(group.first.title, series: answer.number)
    headline = visible(group.first.title)
    origin = visible(group.words)
    traces = group.first.trace.isEmpty ? [] : [visible(group.first.trace).joined(separator: "\n")]
  }
}
