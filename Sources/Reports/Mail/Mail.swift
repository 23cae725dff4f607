// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// A reply to one series, for its thread: at most 40 lines of at most 72 columns.
///
/// It claims nothing in anybody's name: a `Tested-by` is for a person to give.
struct Mail {
  let text: String

  /// - Parameter others: what other kernels and profiles say of the series, each in a few words.
  init(_ answer: SeriesAnswer, _ record: RunRecord, others: [String] = []) {
    let evidence = MailEvidence(answer, record.header)
    let command = Self.again(answer.judgement, record.header, evidence)
    let judgement = answer.judgement
    let body = MailBody(
      first: "patchbench says \(judgement.verdict.rawValue): \(judgement.verdict.meaning).",
      sections: [
        MailBody.Section(judgement.verdict.mailTitle, Self.findings(answer)),
        MailBody.Section("Evidence", lines: evidence.lines, least: 2),
        MailBody.Section("Different by design, which is not held against it", Self.differences(judgement), least: 1),
        MailBody.Section("Other kernels and profiles", others, each: 1, least: 1),
        MailBody.Section("To see it again", lines: command, least: command.count),
        MailBody.Section("What it ran on, and what ran", Self.course(answer, record), least: 3),
      ], last: Self.basis(judgement))
    // Whether it is ASCII is known only once it is made, and how much fits only then.
    let most = MailHead(judgement.series, isASCII: false).lines.count + 1
    let lines = body.lines(room: MailText.height - most)
    let isASCII = lines.allSatisfy { $0.unicodeScalars.allSatisfy(\.isASCII) }
    text = (MailHead(judgement.series, isASCII: isASCII).lines + [""] + lines).joined(separator: "\n") + "\n"
  }

  /// What stands between two mails.
  static let separator = "\n" + String(repeating: "=", count: MailText.width) + "\n\n"

  /// What is wrong with the series, or right, or unknown.
  private static func findings(_ answer: SeriesAnswer) -> [String] {
    let judgement = answer.judgement
    let culprits = judgement.reasons.prefix(judgement.verdict == .regresses ? judgement.trial?.culprits?.count ?? 0 : 0)
    let causes = answer.causes.isEmpty ? [] : culprits.prefix(1).map(\.description) + answer.causes.map(\.sentence)
    let all =
      !causes.isEmpty ? causes : judgement.verdict == .fixes ? answer.fixes : judgement.reasons.map(\.description)
    return Array(all.prefix(4)) + (all.count > 4 ? ["and \(all.count - 4) more"] : [])
  }

  private static func differences(_ judgement: Judgement) -> [String] {
    judgement.differences.map { design, tests in
      "\(design.question) \(Words.counted(tests.count, "test")), such as \(tests[0].name)"
    }
  }

  /// The command that shows it again, over several lines of a shell.
  private static func again(_ judgement: Judgement, _ header: RunHeader, _ evidence: MailEvidence) -> [String] {
    guard let words = RerunCommand.words(evidence.test, of: judgement.series, header) else { return [] }
    let room = MailText.width - 6
    // An option stands beside its value.
    var parts: [String] = []
    for word in words {
      if let last = parts.last, last.hasPrefix("--"), !last.contains(" "), !word.hasPrefix("--") {
        parts[parts.count - 1] = "\(last) \(word)"
      } else {
        parts.append(word)
      }
    }
    let isPlain = parts.allSatisfy { MailText.columns($0) <= room && visible($0) == $0 && !$0.hasSuffix(":") }
    var lines = [parts[0]]
    for part in parts.dropFirst() {
      if MailText.columns(lines[lines.count - 1]) + 1 + MailText.columns(part) > room { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + part
    }
    if !isPlain || lines.count > 4 {
      return ["  (the command is too long for a mail; \(BriefMarkdown.details) has it)"]
    }
    return lines.enumerated().map { index, line in
      (index == 0 ? "  " : "    ") + line + (index == lines.count - 1 ? "" : " \\")
    }
  }

  /// The base, and what ran on it.
  private static func course(_ answer: SeriesAnswer, _ record: RunRecord) -> [String] {
    let (judgement, header, cell) = (answer.judgement, record.header, record.header.cell)
    let release = record.base?.run?.release.map { " (\($0))" } ?? ""
    let revision = header.choice?.revision.map { " at \($0)" } ?? ""
    let place =
      cell.extent == .boot ? "accelerator \(header.accelerator.rawValue)" : "built only, \(cell.toolchain)"
    var items = ["\(cell.kernel)\(revision)\(release), profile \(cell.profile), \(place)"]
    if judgement.tests.isEmpty {
      items.append("no test ran; stage reached: \(judgement.stage.rawValue)")
    } else {
      items.append(
        "\(Words.counted(judgement.tests.count, "test")): "
          + Words.changes(judgement).replacing(" · ", with: ", "))
    }
    let sureness = answer.sureness(accepted: header.accepted ?? [])
    if !sureness.isEmpty { items.append(sureness) }
    items.append("on the base: \(Words.base(record.base))")
    items.append(
      "series \(judgement.series.name), \(Words.patches(judgement.series)); by patchbench \(header.patchbench)")
    return items
  }

  /// What a `Tested-by` would rest on; `nil` if there is no ground for one.
  private static func basis(_ judgement: Judgement) -> String? {
    guard judgement.verdict == .clean || judgement.verdict == .fixes else { return nil }
    guard let run = judgement.trial?.run else { return "A Tested-by would rest on a build alone: nothing was booted." }
    let answered = judgement.tests.count { $0.series == .ok }
    return "A Tested-by would rest on \(Words.counted(answered, "passed test")) under \(run.accelerator.rawValue)."
  }
}

extension Words {
  /// `2 patches`, without those that the series only stands on.
  static func patches(_ series: PatchSeries) -> String {
    let own = series.patches.count - series.prerequisites.count
    return own == 1 ? "1 patch" : "\(own) patches"
  }
}

extension Verdict {
  /// What it means, as the end of a sentence.
  fileprivate var meaning: String {
    switch self {
    case .clean: "nothing got worse, and nothing is fixed"
    case .fixes: "something is fixed, and nothing got worse"
    case .regresses: "something is worse than on the base"
    case .doesNotApply: "git refuses a patch"
    case .doesNotBuild: "the build fails"
    case .doesNotBoot: "the kernel does not come up"
    case .inconclusive: "nobody can tell, which is no pass"
    }
  }

  fileprivate var mailTitle: String {
    switch self {
    case .clean: "What was found"
    case .fixes: "What it fixes"
    case .regresses, .doesNotApply, .doesNotBuild, .doesNotBoot: "What is wrong"
    case .inconclusive: "Why there is no verdict"
    }
  }
}
