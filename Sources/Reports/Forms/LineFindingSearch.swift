// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import Verdicts

/// Finds what can be tied to a line of one series in one cell.
struct LineFindingSearch {
  private let entry: ToldRuns.Entry

  init(_ entry: ToldRuns.Entry) { self.entry = entry }

  var all: [LineFinding] {
    guard let trial = entry.judgement.trial else { return [] }
    return failures(trial.result) + reports + (trial.warnings ?? []).compactMap(warning) + lines(trial)
  }

  private func failures(_ result: TrialResult) -> [LineFinding] {
    switch result {
    case .doesNotApply(let failure): return [rejected(failure)].compactMap { $0 }
    case .doesNotBuild(let failure):
      let place = failure.after.map { " (after \($0.words); the whole series builds)" } ?? ""
      return failure.diagnostics.compactMap { error in
        error.file.flatMap { file in
          LineFinding(
            .doesNotBuild, file, error.line ?? 1, "does not build: \(error.message)\(place)", lasting: error.message,
            tool: error.tool, of: entry)
        }
      }
    case .ran, .sameCode, .built, .fault, .interrupted: return []
    }
  }

  /// The line of the kernel's file at which it differs from what the patch expects, as far as that is known.
  private func rejected(_ failure: ApplyFailure) -> LineFinding? {
    let mismatch = failure.diagnosis?.mismatch
    guard let file = mismatch?.file ?? failure.file ?? failure.patch.paths.first else { return nil }
    // The first reason says what git said, and the second one is mostly the line.
    let reasons = failure.words.filter { $0.subject != nil || $0 == failure.words.first }.prefix(2)
    return LineFinding(
      .doesNotApply, file, mismatch?.first?.line ?? mismatch?.line ?? 1,
      "\(failure.patch.file) \(reasons.map(\.description).joined(separator: "; "))",
      lasting: "\(failure.patch.subject): \(failure.message)", of: entry)
  }

  private func warning(_ warning: Diagnostic) -> LineFinding? {
    guard let file = warning.file, let line = warning.line else { return nil }
    return LineFinding(
      .newWarning, file, line, "new warning: \(Words.message(of: warning))", lasting: warning.message,
      tool: warning.tool, of: entry)
  }

  // MARK: - Kernel reports

  /// The reports that the base does not have, at the first frame in a line that the series changes, or else in a file
  /// that it touches. A report elsewhere belongs to no line of the series.
  private var reports: [LineFinding] {
    let series = entry.judgement.series
    let touched = Set(series.patches.flatMap(\.paths))
    let changed = Set((entry.judgement.trial?.change?.lines?.lines ?? []).map(\.name))
    return ReportGroup.groups(entry.judgement.reports).filter(\.counts).compactMap { group in
      let places = group.first.trace.flatMap(MailEvidence.places(in:))
      guard
        let place = places.first(where: { changed.contains("\($0.file):\($0.line)") })
          ?? places.first(where: { touched.contains($0.file) })
      else { return nil }
      let words = "kernel report that the base does not have: \(group.first.title) (\(group.words))"
      return LineFinding(.kernelReport, place.file, place.line, words, lasting: group.first.title, of: entry)
    }
  }

  // MARK: - Changed lines

  /// The changed lines that leave the verdict in doubt, if the guest had the time to run them.
  private func lines(_ trial: Trial) -> [LineFinding] {
    guard !entry.isAnsweredElsewhere, let changed = trial.change?.lines else { return [] }
    var execution: Execution?
    switch trial.result {
    case .ran(let run):
      guard run.booted, run.ending == .completed, trial.cutShort == nil else { return [] }
      execution = run.execution
    case .built, .sameCode: break
    case .doesNotApply, .doesNotBuild, .fault, .interrupted: return []
    }
    var fates = changed.fates(execution, accepted: entry.record.header.accepted ?? [])
    // Where nothing boots, nothing can run.
    if trial.run == nil { fates = fates.filter { $0.state == .notCompiled || !$0.isDoubt } }
    return Self.blocks(fates).compactMap(finding)
  }

  /// Lines that follow each other, with one and the same fate. Lines without code may be between them.
  private struct Block {
    var first: LineFate
    var last: Int
    /// The last line that was looked at.
    var reach: Int

    func continues(with fate: LineFate) -> Bool {
      fate.line.file == first.line.file && fate.line.number == reach + 1
    }
  }

  private static func blocks(_ fates: [LineFate]) -> [Block] {
    var blocks: [Block] = []
    var open: Block?
    for fate in fates {
      let follows = open?.continues(with: fate) ?? false
      if !fate.isDoubt {
        if follows, fate.state == .noCode { open?.reach = fate.line.number } else { open = close(open, &blocks) }
      } else if follows, let first = open?.first, first.says(as: fate) {
        open?.last = fate.line.number
        open?.reach = fate.line.number
      } else {
        _ = close(open, &blocks)
        open = Block(first: fate, last: fate.line.number, reach: fate.line.number)
      }
    }
    _ = close(open, &blocks)
    return blocks
  }

  private static func close(_ open: Block?, _ blocks: inout [Block]) -> Block? {
    if let open { blocks.append(open) }
    return nil
  }

  private func finding(_ block: Block) -> LineFinding? {
    let fate = block.first
    let isSeen = fate.state == .notRun || fate.state == .oneWay
    let text = fate.line.text.drop { $0 == " " || $0 == "\t" }
    let what = fate.line.follows ? "follows removed lines" : "changed"
    let why =
      switch fate.state {
      case .oneWay: "no test took it \(fate.missing.joined(separator: ", or "))"
      case .unseen: "it cannot be seen whether it ran (\(fate.reason))"
      case .notCompiled: "this configuration does not compile it (\(fate.reason))"
      case .ran, .notRun, .sameCode, .declaration, .noCode: "no test ran it"
      }
    var finding = LineFinding(
      isSeen ? .notRun : .notSeen, fate.line.file, fate.line.number, "\(what), but \(why): \(text.prefix(160))",
      lasting: "\(fate.state.rawValue): \(text)", of: entry)
    finding?.end = max(block.last, fate.line.number)
    return finding
  }
}

extension LineFate {
  /// Whether a reader would be told the same of both lines.
  fileprivate func says(as other: LineFate) -> Bool {
    state == other.state && reason == other.reason && missing == other.missing
      && line.follows == other.line.follows && state != .oneWay
  }
}
