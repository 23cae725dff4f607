// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// What a mail shows for its verdict: one test with its failed check, and the first new kernel report.
struct MailEvidence {
  /// The test to run again; `nil` if there is none.
  private(set) var test: String?
  private(set) var lines: [String] = []

  init(_ answer: SeriesAnswer, _ header: RunHeader) {
    let judgement = answer.judgement
    if let shown = Self.shown(answer) {
      test = shown.name
      lines += MailText.wrap("\(shown.name) (\(Words.sides(shown)))", most: 2)
      if let check = Self.check(shown) { lines += MailText.wrap(check, most: 2) }
    }
    if let group = ReportGroup.groups(judgement.reports).first(where: \.counts) {
      test = test ?? group.first.test
      let places = [group.first.test.map { "in \($0)" }, Self.place(group.first).map { "at \($0)" }].compactMap { $0 }
      lines += MailText.wrap(
        group.first.title + (places.isEmpty ? "" : " (\(places.joined(separator: ", ")))"), most: 3)
    }
    if judgement.verdict == .doesNotBoot, let last = judgement.trial?.run?.lastLines.last {
      lines += MailText.wrap("its console ends with \(last)", most: 2)
    }
  }

  /// A test of the weightiest cause, or else one that is fixed.
  private static func shown(_ answer: SeriesAnswer) -> TestComparison? {
    let tests = answer.judgement.tests
    if let name = answer.causes.lazy.compactMap(\.tests.first).first { return tests.first { $0.name == name } }
    return answer.judgement.verdict == .fixes ? tests.first { $0.change == .fixed } : nil
  }

  /// The first check that fails and must not, with what was seen; of a fixed test, what was seen on the base.
  private static func check(_ test: TestComparison) -> String? {
    let isFixed = test.change == .fixed
    let failed = isFixed ? test.checks.compactMap(\.base).filter { !$0.passed } : test.newlyFailed.compactMap(\.series)
    if let check = failed.first(where: { $0.design == nil }) ?? failed.first {
      return (isFixed ? "on the base, its check " : "its check ") + "\"\(check.name)\""
        + (check.detail.isEmpty ? "" : ": \(check.detail)")
    }
    let reason = isFixed ? test.baseReason : test.reason
    return reason.isEmpty ? nil : reason
  }

  /// The file and line of the function that a report's title names, or else of its first frame with a line.
  static func place(_ report: KernelReport) -> String? {
    let frames = report.trace.filter { place(in: $0) != nil }
    let function = report.title.split(separator: " ").last.map(String.init) ?? ""
    return (frames.first { !function.isEmpty && $0.contains(function) } ?? frames.first).flatMap(place)
  }

  /// The place behind a frame. Of several, the last is the function's own; the others are inlined into it.
  private static func place(in line: String) -> String? {
    line.matches(of: /[A-Za-z0-9_.\/-]+\.[chS]:[0-9]+/).last.map { String($0.output) }
  }

  /// The places behind a frame, the function's own first: the others are inlined into it.
  static func places(in line: String) -> [(file: String, line: Int)] {
    line.matches(of: /([A-Za-z0-9_.\/-]+\.[chS]):([0-9]+)/).reversed().compactMap { match in
      Int(match.output.2).map { (String(match.output.1), $0) }
    }
  }
}
