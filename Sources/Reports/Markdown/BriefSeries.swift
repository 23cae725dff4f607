// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// One series of `report.md`: its causes, each with one example.
struct BriefSeries {
  let text: String

  /// - Parameter room: the most bytes.
  init(_ answer: SeriesAnswer, _ header: RunHeader, room: Int) {
    let judgement = answer.judgement
    let verdict = judgement.verdict
    var head =
      "## \(answer.number). \(BriefMarkdown.escape(judgement.series.name, 60)): \(verdict.shape) \(verdict.rawValue)"
    if let claim = answer.claim { head += "\n\n_\(BriefMarkdown.escape(claim, 150))_" }
    let items = Self.items(answer, header)
    // The list, and a line that says what is missing.
    var left = room - head.utf8.count - 2 - 100
    var shown = 0
    for item in items {
      left -= item.utf8.count + 3
      if left < 0 { break }
      shown += 1
    }
    let rest = items.count - shown
    let lines =
      items.prefix(shown)
      + (rest == 0
        ? [] : ["\(Words.counted(rest, "more line")) did not fit; \(Markdown.code(BriefMarkdown.details)) has all"])
    text = lines.isEmpty ? head : head + "\n\n" + lines.map { "- \($0)" }.joined(separator: "\n")
  }

  private static func items(_ answer: SeriesAnswer, _ header: RunHeader) -> [String] {
    let judgement = answer.judgement
    var items: [String] = []
    if answer.causes.isEmpty {
      items += capped(judgement.reasons.map { BriefMarkdown.escape($0.description, 300) }, most: 5, "reason")
    } else {
      let culprits = judgement.verdict == .regresses ? judgement.trial?.culprits?.count ?? 0 : 0
      items += judgement.reasons.prefix(min(3, culprits)).map { BriefMarkdown.escape($0.description, 300) }
      items += answer.causes.map { Self.words($0, judgement) }
    }
    let again =
      answer.causes.lazy.compactMap(\.tests.first).first ?? judgement.tests.first { $0.change == .fixed }?.name
    items += capped(answer.fixes.map { "Fixes \(BriefMarkdown.escape($0, 150))" }, most: 10, "fixed question")
    items += judgement.differences.map { design, tests in
      "By design: \(design.question) Another answer than on the base in \(Words.counted(tests.count, "test")), for "
        + "example \(code(tests[0].name))"
    }
    items += capped(
      (Bisection(judgement)?.findings ?? []).map { BriefMarkdown.escape($0, 300) }, most: 3, "such finding")
    if let again, let command = RerunCommand.command(again, of: judgement.series, header) {
      // Half a command is none.
      if command.utf8.count <= 600 { items.append("Again: \(Markdown.code(command))") }
    }
    return items
  }

  /// `**stale**: after a buffer has moved, …: 12 tests; for example …`
  static func words(_ cause: Cause, _ judgement: Judgement) -> String {
    let counts = [(cause.tests.count, "test"), (cause.reports.count, "kernel report")].filter { $0.0 > 0 }
      .map { Words.counted($0.0, $0.1) }
    let name = "**\(cause.kind.words)**: \(BriefMarkdown.escape(cause.words, 200))"
    return ([name + (counts.isEmpty ? "" : ": \(counts.joined(separator: ", "))")] + [example(cause, judgement)])
      .filter { !$0.isEmpty }.joined(separator: "; for example ")
  }

  private static func example(_ cause: Cause, _ judgement: Judgement) -> String {
    guard let name = cause.tests.first else { return cause.reports.first.map(code) ?? "" }
    let test = judgement.tests.first { $0.name == name }
    let check = test?.newlyFailed.lazy.compactMap(\.series).first
    let seen = check.map { $0.detail.isEmpty ? $0.name : "\($0.name): \($0.detail)" } ?? test?.reason ?? ""
    return code(name) + (seen.isEmpty ? "" : " (\(BriefMarkdown.escape(seen, 200)))")
  }

  private static func code(_ text: String) -> String { Markdown.code(Markdown.cut(text, to: 120)) }

  private static func capped(_ items: [String], most: Int, _ what: String) -> [String] {
    if items.count <= most { return items }
    return items.prefix(most) + [Words.counted(items.count - most, "more \(what)")]
  }
}
