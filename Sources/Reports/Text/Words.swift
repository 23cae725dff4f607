internal import BenchModel
internal import Foundation
internal import GuestProtocol
internal import Verdicts

/// The words that Markdown, HTML and terminal share, so that the three say the same.
enum Words {
  /// `0.8 s`, `41 s`, `3 min 05 s`
  static func duration(_ seconds: Double?) -> String {
    guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
    let tenths = (seconds * 10).rounded() / 10
    if tenths < 10 { return "\(tenths) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    let rest = whole % 60
    return "\(whole / 60) min \(rest < 10 ? "0" : "")\(rest) s"
  }

  /// A trial's whole time, as far as it is known.
  static func total(_ seconds: StageSeconds?) -> Double? {
    let known = [seconds?.apply, seconds?.build, seconds?.boot, seconds?.tests].compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +)
  }

  /// `apply 0.3 s · build 41 s · boot 2.1 s · tests 9.0 s`
  static func stages(_ seconds: StageSeconds) -> String {
    let all: [(Stage, Double?)] = [
      (.apply, seconds.apply), (.build, seconds.build), (.boot, seconds.boot), (.tests, seconds.tests),
    ]
    let known = all.compactMap { stage, time in time.map { "\(stage.rawValue) \(duration($0))" } }
    return known.isEmpty ? "no stage was reached" : known.joined(separator: " · ")
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
      return count == 0 ? nil : "\(count) \(change.rawValue)"
    }
    return list.isEmpty ? "–" : list.joined(separator: " · ")
  }

  /// How many kernel reports the base does not have. Without a guest there is nothing to count, and a zero would look
  /// like a result.
  static func newReports(_ judgement: Judgement) -> String {
    judgement.trial?.run == nil ? "–" : "\(judgement.newReports)"
  }

  /// What became of the base, in one line.
  static func base(_ trial: Trial?) -> String {
    guard let trial else { return "no result" }
    switch trial.result {
    case .doesNotApply(let failure): return "could not be prepared: \(failure.message)"
    case .doesNotBuild(let failure):
      return "does not build: \(failure.diagnostics.first?.message ?? failure.tail.last ?? "no word why")"
    case .fault(let fault): return "could not be tested: \(fault.message)"
    case .interrupted: return "stopped before it ended"
    case .ran(let run):
      let tests = run.tests.isEmpty ? "" : counts(run.tests)
      let reports = run.reports.isEmpty ? "no kernel report" : counted(run.reports.count, "kernel report")
      let ending = run.ending == .completed ? "" : run.ending.words
      return [ending, tests, reports].filter { !$0.isEmpty }.joined(separator: "; ")
    }
  }

  /// How a guest ended, and in which test if it came so far.
  static func ending(of run: GuestRun) -> String {
    let words = run.booted ? "\(run.ending.words) \(run.whereabouts)" : run.ending.words
    return words.prefix(1).uppercased() + words.dropFirst() + "."
  }

  /// `1 test`, `2 tests`
  static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  /// `2026-03-01 12:00:00 UTC`
  static func time(_ date: Date) -> String {
    let iso = date.formatted(.iso8601)
    return iso.replacing("T", with: " ").replacing("Z", with: " UTC")
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
  /// A test that a reader wants to see: neither `ok` nor `skip`.
  var isNotable: Bool { self != .ok && self != .skip }
}
