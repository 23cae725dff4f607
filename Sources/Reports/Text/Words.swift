// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
package import Foundation
internal import GuestProtocol
internal import Verdicts

/// The wording that Markdown, HTML and terminal share.
package enum Words {
  /// The question that `patchbench mutants --series` answers.
  static let slips = "Would the tests have caught a mistake in these lines"

  /// The lines above a diff of what a hunk expects and what the kernel has.
  static let mismatch = ["--- what the patch expects", "+++ what the kernel has"]

  /// `0.04 s`, `0.8 s`, `41 s`, `3 min 05 s`
  package static func duration(_ seconds: Double?) -> String {
    guard let seconds = Cost.known(seconds) else { return "–" }
    if seconds < 0.095 { return "\(hundredths(seconds)) s" }
    let tenths = (seconds * 10).rounded() / 10
    if tenths < 10 { return "\(tenths) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    let rest = whole % 60
    return "\(whole / 60) min \(rest < 10 ? "0" : "")\(rest) s"
  }

  /// Formats a mark on a scale, which is a round number: `0.5 s`, `30 s`, `5 min`.
  static func round(_ seconds: Double) -> String {
    let words = duration(seconds)
    return words.hasSuffix(" min 00 s") ? String(words.dropLast(5)) : words.replacing(".0 s", with: " s")
  }

  /// `41.40`: for a table column whose heading says that the unit is seconds.
  static func hundredths(_ seconds: Double?) -> String {
    guard let seconds = Cost.known(seconds) else { return "–" }
    let count = Int((seconds * 100).rounded())
    return "\(count / 100).\(count % 100 < 10 ? "0" : "")\(count % 100)"
  }

  /// What a series cost this run: its total time as far as known, or nothing.
  static func cost(_ trial: Trial?) -> String {
    trial?.reused == true ? "reused" : duration(trial?.seconds.known.total)
  }

  /// Describes how a trial's time was spent and how its image was built, in sentences.
  static func course(_ trial: Trial) -> String {
    let parts = Cost.parts(trial.seconds)
    let list = parts.map { "\($0.label) \(duration($0.seconds))" }.joined(separator: " · ")
    let steps = parts.count > 1 ? "\(duration(trial.seconds.known.total)) = \(list)" : list
    var sentences: [String] = []
    if trial.reused {
      sentences.append("Reused from an earlier run" + (parts.isEmpty ? "." : ", where it took \(steps)."))
    } else {
      sentences.append(parts.isEmpty ? "No step was reached." : "Time: \(steps).")
    }
    if let work = trial.work { sentences.append("Built: \(built(work)).") }
    switch trial.eachPatch {
    case true? where trial.run != nil || trial.result == .sameCode || trial.result == .built:
      sentences.append("Each of its patches builds.")
    case false? where trial.patchTests == nil: sentences.append("Only the whole series was built, not each patch.")
    default: break
    }
    return sentences.joined(separator: " ")
  }

  /// Describes where a base's result comes from, if there is one.
  static func origin(_ base: Trial?) -> String? {
    guard let base else { return nil }
    if base.reused { return "reused from an earlier run" }
    if base.run == nil { return nil }
    return base.seconds[.compile] == nil ? "its kernel was already built, run now" : "built and run now"
  }

  /// Describes how a series' image was built, in this run or an earlier one; empty if nothing was built.
  static func how(_ trial: Trial?) -> String {
    guard let trial else { return "not run" }
    return trial.work.map { (trial.reused ? "built then: " : "") + built($0) } ?? ""
  }

  /// `replay of kbuild's commands, 12 objects, 9 from ccache; first 2 patches shared with other series`
  private static func built(_ work: BuildWork) -> String {
    var objects = counted(max(0, work.objects), "object")
    if work.objects > 0 { objects += work.cached > 0 ? ", \(work.cached) from ccache" : ", none from ccache" }
    let patches = work.sharedPatches == 1 ? "patch" : "\(work.sharedPatches) patches"
    let shared = work.sharedPatches > 0 ? "; first \(patches) shared with other series" : ""
    return switch work.method {
    case .replay: "replay of kbuild's commands, \(objects)\(shared)"
    case .kbuild: "make of the whole tree, \(objects)\(shared)"
    case .unchanged: "the base's image, no compiled file was touched"
    }
  }

  /// The remark below a table that contains times of reused results.
  static let reusedTimes = "Reused results took their time in an earlier run; the sum excludes them."

  /// Describes how series were built, as the end of a sentence.
  static func sandbox(_ header: RunHeader) -> String {
    let place =
      header.sandbox.map { "sandboxed (\($0))" }
      ?? "unsandboxed (--no-sandbox): the patches' authors could run anything on this machine"
    return header.settings.map { "\(place); with \($0.joined(separator: ", ")), which the base does not have" } ?? place
  }

  /// `4 min 12 s; 2 of 7 series reused`
  static func run(_ record: RunRecord, _ judgements: [Judgement]) -> String {
    let reused = judgements.count { $0.trial?.reused == true }
    let time = record.wall.map { duration($0) } ?? "unknown time"
    return "\(time); \(reused) of \(judgements.count) series reused"
  }

  /// The content of ``run(_:_:)`` as sentences, plus the time for the reports.
  static func summary(_ record: RunRecord, _ judgements: [Judgement]) -> String {
    let reused = judgements.count { $0.trial?.reused == true }
    var sentences = [record.wall.map { "The run took \(duration($0))." } ?? "The run's duration is unknown."]
    let were = reused == 1 ? "was" : "were"
    sentences.append("\(reused) of \(judgements.count) series \(were) reused from an earlier run.")
    if let seconds = Cost.known(record.reportSeconds) {
      sentences.append("Writing its reports took \(duration(seconds)).")
    }
    return sentences.joined(separator: " ")
  }

  /// `21 ok, 2 not-ok`
  static func counts(_ tests: [TestResult]) -> String {
    let list = TestStatus.allCases.compactMap { status in
      let count = tests.count { $0.status == status }
      return count == 0 ? nil : "\(count) \(status.rawValue)"
    }
    return list.isEmpty ? "no tests" : list.joined(separator: ", ")
  }

  /// `21 same · 2 fixed`
  static func changes(_ judgement: Judgement) -> String {
    let list = Change.allCases.compactMap { change in
      let count = judgement.count(of: change)
      return count == 0 ? nil : "\(count) \(change == .differs ? "different by design" : change.rawValue)"
    }
    return list.isEmpty ? "–" : list.joined(separator: " · ")
  }

  /// `ok on base, not-ok with the series; passes 4/4 on base, 1/4 with the series`
  static func sides(_ test: TestComparison) -> String {
    let sides = "\(test.base.rawValue) on base, \(test.series.rawValue) with the series"
    guard test.wasTriedAgain else { return sides }
    return "\(sides); \(test.tryWords)"
  }

  /// Describes the report after which lockdep was off; `nil` if it was on to the end.
  static func blindness(_ run: GuestRun?) -> String? {
    guard let report = run?.lockdepEndsWith else { return nil }
    let place = report.test.map { "in \($0)" } ?? "outside of any test"
    return "lockdep turned itself off after “\(report.title)” (\(place)) and saw nothing of what followed."
  }

  /// The number of kernel reports that the base does not have. Without a guest there is nothing to count, and a zero
  /// would look like a result.
  static func newReports(_ judgement: Judgement) -> String {
    judgement.trial?.run == nil ? "–" : "\(judgement.newReports)"
  }

  /// Describes the base's result in one line.
  static func base(_ trial: Trial?) -> String {
    guard let trial else { return "no result" }
    switch trial.result {
    case .doesNotApply(let failure): return "could not be prepared: \(failure.message)"
    case .doesNotBuild(let failure):
      return "does not build: \(failure.diagnostics.first?.message ?? failure.tail.last ?? "no reason given")"
    case .sameCode: return "was not run"
    case .built: return "builds"
    case .fault(let fault): return "could not be tested: \(fault.message)"
    case .interrupted: return "stopped before it finished"
    case .ran(let run):
      let tests = run.tests.isEmpty ? "" : counts(run.tests)
      let reports = run.reports.isEmpty ? "no kernel report" : counted(run.reports.count, "kernel report")
      let ending = run.ending == .completed ? "" : run.ending.words
      return [ending, tests, reports].filter { !$0.isEmpty }.joined(separator: "; ")
    }
  }

  /// Describes how a guest ended, and in which test if it got that far.
  static func ending(of run: GuestRun) -> String {
    let words =
      if let hang = run.hangWords { "\(run.ending.words): \(hang)" } else if run.booted {
        "\(run.ending.words) \(run.whereabouts)"
      } else { run.ending.words }
    let first = words.prefix(1).uppercased() + words.dropFirst() + "."
    return
      ([first] + run.deaths.dropFirst().map { "A fresh guest ended in \($0.test): \($0.ending.words)." } + wentOn(run))
      .joined(separator: " ")
  }

  /// Describes what was recovered from the disks of guests that did not complete.
  static func states(_ trial: Trial) -> [String] {
    (trial.states ?? []).map { state in
      if let failure = state.failure { return "\(state.image) could not be read: \(failure)" }
      return state.files.isEmpty ? "Nothing was found on \(state.image)." : state.files.joined(separator: ", ")
    }
  }

  /// Describes what fresh guests did after a test had ended the first one.
  private static func wentOn(_ run: GuestRun) -> [String] {
    guard let last = run.deaths.last, let index = run.tests.firstIndex(where: { $0.name == last.test }) else {
      return []
    }
    let behind = run.tests[(index + 1)...]
    let answered = behind.count { $0.status != .missing }
    if behind.isEmpty { return [] }
    if answered == 0 { return ["The \(counted(behind.count, "test")) after it did not run."] }
    return ["Fresh guests continued: of the \(counted(behind.count, "test")) after it, \(answered) ran."]
  }

  /// `1 test`, `2 tests`
  package static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  /// `2.5 MiB`, `30 MiB`, `2.4 GiB`
  package static func size(_ bytes: Int64) -> String {
    let mebibytes = Double(bytes) / 1_048_576
    if mebibytes >= 1024 { return "\((mebibytes / 102.4).rounded() / 10) GiB" }
    return mebibytes < 10 ? "\((mebibytes * 10).rounded() / 10) MiB" : "\(Int(mebibytes.rounded())) MiB"
  }

  /// `2026-03-01 12:00:00 UTC`
  package static func time(_ date: Date) -> String {
    let iso = date.formatted(.iso8601)
    return iso.replacing("T", with: " ").replacing("Z", with: " UTC")
  }

  /// `2026-03-01 12:00:00 UTC, resumed 2026-03-02 08:00:00 UTC`
  static func started(_ record: RunRecord) -> String {
    time(record.started) + record.resumed.map { ", resumed \(time($0))" }.joined()
  }

  /// `2 new warnings; drivers/dma-buf/dma-buf.c:166: unused variable …`
  static func warnings(_ trial: Trial?) -> String? {
    guard let all = trial?.warnings, let first = all.first else { return nil }
    let place = place(of: first).map { "\($0): " } ?? ""
    return "\(counted(all.count, "new warning")); \(place)\(message(of: first))"
  }

  /// `sparse: symbol 'f' was not declared. Should it be static?`, or what the build itself said.
  static func message(of diagnostic: Diagnostic) -> String {
    (diagnostic.tool.map { "\($0): " } ?? "") + diagnostic.message
  }

  /// `drivers/gpu/drm/x.c:12`
  static func place(of diagnostic: Diagnostic) -> String? {
    diagnostic.file.map { file in diagnostic.line.map { "\(file):\($0)" } ?? file }
  }
}

extension Trial {
  /// The guest's run, if there was one.
  var run: GuestRun? { if case .ran(let run) = result { run } else { nil } }
}

extension TestStatus {
  /// Whether a reader wants to see the test: neither `ok` nor `skip`.
  var isNotable: Bool { self != .ok && self != .skip }
}
