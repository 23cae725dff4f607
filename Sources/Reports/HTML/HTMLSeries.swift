// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Foundation
internal import GuestProtocol
internal import Verdicts

/// One series of `report.html`; see ``HTMLPage`` for why nothing is optional.
struct HTMLSeries {
  var number: Int
  var name: String
  var covers: [String]
  var verdict: String
  var shape: String
  var isOpen: Bool
  var changes: String
  /// What is wrong with it, the weightiest first.
  var causes: [HTMLCause]
  /// The verdict's reasons where no cause puts them into words.
  var reasons: [HTMLReason]
  /// The aliases of one buffer; none or one.
  var pictures: [HTMLPicture]
  var hasDifferences: Bool
  /// The questions of design that it answers in its own way.
  var differences: [HTMLDifference]
  /// What breaks bisection.
  var bisections: [String]
  var patches: [HTMLPatch]
  var hasFiles: Bool
  /// Its evidence.
  var files: [HTMLFile]
  var stage: String
  var course: String
  /// Which tests ran between its patches; none or one.
  var betweens: [String]
  var failures: [HTMLFailure]
  var codes: [HTMLCode]
  /// The diff with a mark on each line; none or one.
  var diffs: [HTMLDiff]
  /// The command that checks whether a mistake in these lines would be caught; none or one.
  var slips: [HTMLReason]
  var hasTests: Bool
  var tests: [HTMLTest]
  var hasLost: Bool
  var lostTests: [HTMLPlace]
  var onlyHere: [HTMLKernelReport]
  var hasKnown: Bool
  var alsoOnBase: [HTMLKernelReport]
  /// The report after which lockdep was off; none or one.
  var blindnesses: [String]
  var endings: [HTMLEnding]
  var hasAnomalies: Bool
  var anomalies: [String]
  var hasStates: Bool
  /// The contents of its guests' disks.
  var states: [String]

  /// - Parameter evidence: its files, relative to the report.
  init(_ answer: SeriesAnswer, header: RunHeader, evidence: [String], _ classes: HTMLClasses) {
    let judgement = answer.judgement
    files = evidence.map(HTMLFile.init)
    hasFiles = !files.isEmpty
    number = answer.number
    name = visible(judgement.series.name)
    covers = judgement.series.cover.map { [visible($0.subject)] } ?? []
    covers += visible(Claims.notes(judgement.series) + header.baseWords(of: judgement.series))
    verdict = judgement.verdict.rawValue
    shape = judgement.verdict.shape
    isOpen = judgement.verdict != .clean
    changes = Words.changes(judgement)
    let trial = judgement.trial
    causes = answer.causes.map { HTMLCause($0, of: answer) }
    let told = Set(answer.causes.flatMap { $0.tests + $0.reports })
    reasons = judgement.reasons.filter { $0.subject.map(told.contains) != true }.map(HTMLReason.init)
    pictures = AliasPicture(judgement).map { [HTMLPicture($0)] } ?? []
    differences = judgement.differences.map { HTMLDifference($0.design, $0.tests) }
    hasDifferences = !differences.isEmpty
    let bisection = Bisection(judgement)
    bisections = visible(bisection?.findings ?? [])
    betweens = bisection.map { [visible($0.course)] } ?? []
    patches = judgement.series.patches.map {
      HTMLPatch(
        subject: visible($0.subject), author: visible($0.author),
        file: visible($0.file + ($0.from.map { " (prerequisite, from \($0))" } ?? "")),
        claims: Claims.words($0.trailers).map { [visible($0)] } ?? [])
    }
    stage = judgement.stage.rawValue
    course = trial.map { Words.course($0) } ?? "Not run."
    failures = [trial.flatMap { HTMLFailure($0.result) }, HTMLFailure(warnings: trial?.warnings ?? [])].compactMap {
      $0
    }
    codes = ChangedCode(trial).map { [HTMLCode($0)] } ?? []
    diffs = MarkedDiff(trial, accepted: header.accepted ?? []).map { [HTMLDiff($0)] } ?? []
    slips = RerunCommand.mutants(judgement, header).map { [HTMLReason(Reason($0, Words.slips))] } ?? []
    hasTests = !judgement.tests.isEmpty
    tests = TestGroup.groups(judgement.notableTests).map { group in
      let name = group.first.name
      return HTMLTest(
        group, of: answer, classes: classes, question: header.questions[name], log: trial?.run?.logs?[name] ?? [],
        again: group.first.isWorthRepeating ? RerunCommand.command(name, of: judgement.series, header) : nil)
    }
    lostTests = judgement.lostTests.map { HTMLPlace(Anchor.test($0, series: answer.number), $0) }
    hasLost = !lostTests.isEmpty
    let groups = ReportGroup.groups(judgement.reports)
    onlyHere = groups.filter(\.counts).map { HTMLKernelReport($0, of: answer) }
    alsoOnBase = groups.filter { !$0.counts }.map { HTMLKernelReport($0, of: answer) }
    hasKnown = !alsoOnBase.isEmpty
    let run = trial?.run
    blindnesses = Words.blindness(run).map { [visible($0)] } ?? []
    endings = run.flatMap(HTMLEnding.init).map { [$0] } ?? []
    anomalies = visible(run?.anomalies ?? [])
    hasAnomalies = !anomalies.isEmpty
    states = visible(trial.map(Words.states) ?? [])
    hasStates = !states.isEmpty
  }
}

struct HTMLReason {
  var subjects: [String]
  var words: String

  init(_ reason: Reason) {
    subjects = reason.subject.map { [visible($0)] } ?? []
    words = visible(reason.text)
  }
}

/// A link to a file of evidence.
struct HTMLFile {
  var address: String
  var fileName: String

  /// - Parameter path: relative to the report. Its directory is named after a series, which may be anything.
  init(_ path: String) {
    let plain = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: ":"))
    address = "./" + (path.addingPercentEncoding(withAllowedCharacters: plain) ?? "")
    fileName = visible(path.split(separator: "/").last.map(String.init) ?? path)
  }
}

struct HTMLPatch {
  var subject: String
  var author: String
  var file: String
  /// Its trailers; none or one.
  var claims: [String]
}

/// The reason why a series did not boot, or what the compiler warns of.
struct HTMLFailure {
  var heading: String
  var lines: [HTMLReason]
  var logs: [String]

  init?(_ result: TrialResult) {
    switch result {
    case .doesNotApply(let failure):
      heading = "Does not apply"
      lines = [HTMLReason(Reason(failure.patch.file, failure.patch.subject))]
      if let file = failure.file {
        lines.append(HTMLReason(Reason(file, failure.hunk.map { "hunk \($0)" } ?? "unknown hunk")))
      }
      lines.append(HTMLReason(Reason("git", failure.message)))
      lines += failure.words.dropFirst().map(HTMLReason.init)
      logs = (failure.diagnosis?.mismatch?.diff).map { [visible(Words.mismatch + $0).joined(separator: "\n")] } ?? []
    case .doesNotBuild(let failure):
      heading = failure.after.map { visible("Does not build after \($0.words)") } ?? "Does not build"
      lines = failure.diagnostics.map { Self.line($0, "last touched by") }
      logs = lines.isEmpty && !failure.tail.isEmpty ? [visible(failure.tail).joined(separator: "\n")] : []
    case .ran, .sameCode, .built, .fault, .interrupted: return nil
    }
  }

  init?(warnings: [Diagnostic]) {
    if warnings.isEmpty { return nil }
    heading = "New warnings"
    lines = warnings.map { Self.line($0, "from") }
    logs = []
  }

  private static func line(_ diagnostic: Diagnostic, _ relation: String) -> HTMLReason {
    let patch = diagnostic.patch.map { " (\(relation) \($0))" } ?? ""
    return HTMLReason(Reason(Words.place(of: diagnostic), Words.message(of: diagnostic) + patch))
  }
}

/// The changes in the compiled code, and which of them ran.
struct HTMLCode {
  var hasRows: Bool
  var rows: [HTMLCodeRow]
  var notes: [String]

  init(_ code: ChangedCode) {
    rows = code.rows.map {
      HTMLCodeRow(
        what: visible($0.what), file: visible($0.file), look: $0.state == .ran ? "ok" : "not-ok", ran: visible($0.ran))
    }
    hasRows = !rows.isEmpty
    notes = visible(code.remarks)
  }
}

struct HTMLCodeRow {
  var what: String
  var file: String
  var look: String
  var ran: String
}

/// The diff with the fate of each line.
struct HTMLDiff {
  var diffNotes: [String]
  var diffFiles: [HTMLDiffFile]

  init(_ diff: MarkedDiff) {
    diffNotes = visible(diff.remarks)
    diffFiles = diff.files.map { file in
      HTMLDiffFile(
        diffPath: visible(file.path),
        hunks: file.hunks.map { hunk in
          HTMLHunk(
            hunkHeading: visible(hunk.heading),
            diffRows: hunk.rows.map { row in
              HTMLDiffRow(
                side: row.line.kind == .added ? "added" : row.line.kind == .removed ? "removed" : "context",
                lineLook: row.look, mark: visible(row.mark),
                lineNumber: row.line.kind == .removed ? "" : "\(row.line.number)",
                source: row.line.kind.rawValue + visible(row.line.text.replacing("\t", with: "        ")))
            })
        })
    }
  }
}

struct HTMLDiffFile {
  var diffPath: String
  var hunks: [HTMLHunk]
}

struct HTMLHunk {
  var hunkHeading: String
  var diffRows: [HTMLDiffRow]
}

struct HTMLDiffRow {
  var side: String
  var lineLook: String
  var mark: String
  var lineNumber: String
  var source: String
}

struct HTMLEnding {
  var how: String
  var consoles: [String]
  /// The kernel's output when it was interrupted; none or one.
  var answers: [String]

  init?(_ run: GuestRun) {
    if run.ending == .completed { return nil }
    how = visible(Words.ending(of: run))
    let answer = run.hang?.answer ?? []
    answers = answer.isEmpty ? [] : [visible(answer).joined(separator: "\n")]
    consoles = run.lastLines.isEmpty ? [] : [visible(run.lastLines).joined(separator: "\n")]
  }
}
