// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import Verdicts

/// One series of `report-details.md`.
struct MarkdownSeries {
  /// The section's paragraphs.
  private(set) var parts: [String] = []

  init(_ judgement: Judgement, _ header: RunHeader) {
    parts.append("## \(Markdown.escape(judgement.series.name)): \(judgement.verdict.rawValue)")
    if let cover = judgement.series.cover { parts.append("_\(Markdown.escape(cover.subject))_") }
    parts.append(Self.list(judgement.reasons.map(Self.reason)))
    let notes = Claims.notes(judgement.series) + header.baseWords(of: judgement.series)
    if !notes.isEmpty { parts.append(Self.list(notes.map(Markdown.escape))) }
    takePatches(judgement.series.patches)
    let bisection = Bisection(judgement)
    if let trial = judgement.trial {
      parts.append("Stage reached: \(judgement.stage.rawValue). \(Words.course(trial))")
      if let course = bisection?.course { parts.append(Markdown.escape(course)) }
      if let findings = bisection?.findings, !findings.isEmpty {
        parts += ["### Bisection", Self.list(findings.map(Markdown.escape))]
      }
      takeFailure(trial.result)
      if let warnings = trial.warnings, !warnings.isEmpty {
        parts += ["### New warnings", Self.list(warnings.map { Self.line($0, "from") })]
      }
    }
    takeCode(judgement.trial)
    takeDiff(MarkedDiff(judgement.trial, accepted: header.accepted ?? []))
    if let command = RerunCommand.mutants(judgement, header) {
      parts.append("\(Words.slips): \(Markdown.code(command))")
    }
    takeTests(judgement, header)
    if judgement.tests.contains(where: \.isWorthRepeating), let command = RerunCommand.shell(judgement.series, header) {
      parts.append("A shell in a guest with this kernel: \(Markdown.code(command))")
    }
    takeReports(judgement.reports)
    if let words = Words.blindness(judgement.trial?.run) { parts.append(Markdown.escape(words)) }
    if let run = judgement.trial?.run { takeEnding(run) }
    let states = judgement.trial.map(Words.states) ?? []
    if !states.isEmpty { parts += ["### On the guests' disks", Self.list(states.map(Markdown.escape))] }
  }

  private static func reason(_ reason: Reason) -> String {
    reason.subject.map { "\(Markdown.code($0)): \(Markdown.escape(reason.text))" } ?? Markdown.escape(reason.text)
  }

  private static func list(_ items: [String]) -> String { items.map { "- \($0)" }.joined(separator: "\n") }

  private mutating func takePatches(_ patches: [Patch]) {
    guard !patches.isEmpty else { return }
    let lines = patches.enumerated().map { index, patch -> String in
      let number = "\(index + 1). "
      let claims = Claims.words(patch.trailers).map {
        "\n" + String(repeating: " ", count: number.count) + "- \(Markdown.escape($0))"
      }
      return number + Markdown.escape(patch.subject)
        + " — \(Markdown.escape(patch.author)), \(Markdown.code(patch.file))"
        + (patch.from.map { " (prerequisite, from \(Markdown.escape($0)))" } ?? "") + (claims ?? "")
    }
    parts += ["### Patches", lines.joined(separator: "\n")]
  }

  private mutating func takeFailure(_ result: TrialResult) {
    switch result {
    case .doesNotApply(let failure):
      var lines = ["Patch: \(Markdown.code(failure.patch.file)), \(Markdown.escape(failure.patch.subject))"]
      if let file = failure.file { lines.append("File: \(Markdown.code(file))") }
      if let hunk = failure.hunk { lines.append("Hunk: \(hunk)") }
      lines.append("git: \(Markdown.escape(failure.message))")
      lines += failure.words.dropFirst().map(Self.reason)
      parts += ["### Does not apply", Self.list(lines)]
      if let mismatch = failure.diagnosis?.mismatch { parts.append(Markdown.block(Words.mismatch + mismatch.diff)) }
    case .doesNotBuild(let failure):
      parts.append("### Does not build")
      if let place = failure.after { parts.append("After \(Markdown.escape(place.words)). The whole series builds.") }
      let lines = failure.diagnostics.map { Self.line($0, "last touched by") }
      if !lines.isEmpty { parts.append(Self.list(lines)) }
      if lines.isEmpty, !failure.tail.isEmpty { parts.append(Markdown.block(failure.tail)) }
    case .ran, .sameCode, .built, .fault, .interrupted: break
    }
  }

  private static func line(_ diagnostic: Diagnostic, _ relation: String) -> String {
    let place = Words.place(of: diagnostic).map { "\(Markdown.code($0)): " } ?? ""
    let patch = diagnostic.patch.map { " (\(relation) \(Markdown.code($0)))" } ?? ""
    return place + Markdown.escape(Words.message(of: diagnostic)) + patch
  }

  private mutating func takeCode(_ trial: Trial?) {
    guard let code = ChangedCode(trial), !code.rows.isEmpty || !code.remarks.isEmpty else { return }
    parts.append("### Changed code")
    if !code.rows.isEmpty {
      let rows = code.rows.map { row in
        let ran = row.state == .ran ? Markdown.escape(row.ran) : "**\(Markdown.escape(row.ran))**"
        return [Markdown.escape(row.what), Markdown.escape(row.file), ran]
      }
      parts.append(Markdown.table(["Changed", "File", "Ran"], rows))
    }
    if !code.remarks.isEmpty { parts.append(Self.list(code.remarks.map(Markdown.escape))) }
  }

  private mutating func takeDiff(_ diff: MarkedDiff?) {
    guard let diff else { return }
    parts.append("### The diff, line by line")
    if !diff.remarks.isEmpty { parts.append(Self.list(diff.remarks.map(Markdown.escape))) }
    for file in diff.files {
      parts.append(Markdown.code(file.path))
      let rows = file.hunks.flatMap(\.rows)
      let width = min(28, rows.map(\.mark.count).max() ?? 0)
      parts.append(
        Markdown.block(
          file.hunks.flatMap { hunk in
            [hunk.heading]
              + hunk.rows.map { row in
                let mark = row.mark + String(repeating: " ", count: max(0, width - row.mark.count))
                return "\(mark) |\(row.line.kind.rawValue)\(row.line.text)"
              }
          }))
    }
  }

  private mutating func takeTests(_ judgement: Judgement, _ header: RunHeader) {
    guard !judgement.tests.isEmpty else { return }
    parts.append("### Tests")
    parts.append("\(Words.counted(judgement.tests.count, "test")): \(Words.changes(judgement)).")
    for test in judgement.notableTests {
      takeTest(test, log: judgement.trial?.run?.logs?[test.name] ?? [])
      if test.isWorthRepeating, let command = RerunCommand.command(test.name, of: judgement.series, header) {
        parts.append("Again: \(Markdown.code(command))")
      }
    }
    let lost = judgement.lostTests
    if !lost.isEmpty { parts += ["No result with the series for:", Self.list(lost.map(Markdown.code))] }
    let quiet = judgement.quietTests
    if quiet > 0, quiet < judgement.tests.count {
      parts.append("Not shown: \(Words.counted(quiet, "test")) with nothing to report.")
    }
  }

  private mutating func takeTest(_ test: TestComparison, log: [String]) {
    defer { if !log.isEmpty { parts += ["Its kernel log, with the series:", Markdown.block(log)] } }
    let sides = Words.sides(test)
    parts.append("\(Markdown.code(test.name)) — **\(test.change.rawValue)**: \(sides)")
    let checks = test.notableChecks
    if checks.isEmpty {
      let reasons = [("base", test.baseReason), ("series", test.reason)].filter { !$0.1.isEmpty }
      if !reasons.isEmpty { parts.append(Self.list(reasons.map { "\($0): \(Markdown.escape($1))" })) }
      return
    }
    let rows = checks.map { [Markdown.escape($0.name), Self.side($0.base), Self.side($0.series)] }
    parts.append(Markdown.table(["Check", "Base", "With the series"], rows))
    if test.heldChecks > 0 { parts.append("\(Words.counted(test.heldChecks, "other check")) passed on both sides.") }
  }

  private static func side(_ check: Check?) -> String {
    guard let check else { return "–" }
    let word = check.passed ? "ok" : "**not ok**"
    return check.detail.isEmpty ? word : "\(word): \(Markdown.escape(check.detail))"
  }

  private mutating func takeReports(_ reports: [ReportComparison]) {
    let groups = ReportGroup.groups(reports)
    guard !groups.isEmpty else { return }
    parts.append("### Kernel reports")
    for group in groups where group.counts {
      parts.append(
        "**Only with this series:** \(Markdown.code(group.first.title)) (\(Markdown.escape(group.words)))")
      if !group.first.trace.isEmpty { parts.append(Markdown.block(group.first.trace)) }
    }
    let known = groups.filter { !$0.counts }
    if !known.isEmpty {
      parts.append("Also on base, or known:")
      parts.append(Self.list(known.map { "\(Markdown.code($0.first.title)) (\(Markdown.escape($0.words)))" }))
    }
  }

  private mutating func takeEnding(_ run: GuestRun) {
    if run.ending != .completed {
      parts += ["### How the guest ended", Markdown.escape(Words.ending(of: run))]
      if !run.lastLines.isEmpty { parts.append(Markdown.block(run.lastLines)) }
      if let answer = run.hang?.answer, !answer.isEmpty {
        parts += ["Its output when it was interrupted:", Markdown.block(answer)]
      }
    }
    if !run.anomalies.isEmpty {
      parts += ["### Unreliable evidence", Self.list(run.anomalies.map(Markdown.escape))]
    }
  }
}
