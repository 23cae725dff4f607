// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Verdicts

/// One thing that is worse than at the good revision.
public struct Symptom: Codable, Sendable, Hashable {
  public enum Kind: String, Codable, Sendable, Hashable {
    /// A test got worse, or its guest died in it.
    case test
    /// The kernel reports what it does not report at the good revision.
    case report
    /// The guest does not come to the end of its tests, and no test is to blame.
    case ending
    case boot = "does-not-boot"
    case build = "does-not-build"
  }

  public var kind: Kind
  /// The test, or the report's title; otherwise what happens.
  public var name: String
  /// How it shows: `ok on good, not-ok here (3 of 4 pages differ)`.
  public var words: String
  /// The test that shows it; `nil` if none does.
  public var test: String?
  /// How many more tests fail alike.
  public var alike = 0

  /// `forward/vgem-to-vkms/vm-file: ok on good, not-ok here (12 more fail alike)`
  public var text: String {
    let more = alike == 0 ? "" : " (\(alike) more \(alike == 1 ? "fails" : "fail") alike)"
    return (words.isEmpty ? name : "\(name): \(words)") + more
  }
}

extension Symptom {
  /// More kinds of failures tell nothing more of the commit that brings them.
  static let most = 8

  /// Returns what is certainly worse, one symptom for each way to fail, the weightiest first.
  /// - Parameters:
  ///   - judgement: of all that differs from the good revision.
  ///   - isGrouped: whether tests that fail alike are one symptom, and only the first ``most`` are returned.
  static func all(_ judgement: Judgement, isGrouped: Bool = true) -> [Symptom] {
    switch judgement.trial?.result {
    case .doesNotBuild: [Symptom(kind: .build, name: "does not build", words: words(of: judgement, "does not build: "))]
    case .ran(let run) where !run.booted:
      judgement.verdict == .doesNotBoot
        ? [Symptom(kind: .boot, name: "does not boot", words: words(of: judgement, "does not boot: "))] : []
    case .ran(let run) where judgement.verdict == .regresses: all(judgement, run, isGrouped: isGrouped)
    case .ran, .sameCode, .built, .doesNotApply, .fault, .interrupted, nil: []
    }
  }

  private static func words(of judgement: Judgement, _ start: String) -> String {
    let text = judgement.reasons.first?.text ?? ""
    return text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text
  }

  private static func all(_ judgement: Judgement, _ run: GuestRun, isGrouped: Bool) -> [Symptom] {
    let deaths = Dictionary(run.deaths.map { ($0.test, $0.ending) }, uniquingKeysWith: { first, _ in first })
    let worse = judgement.tests.filter { $0.countsAgainst || deaths[$0.name] != nil }
    let byName = Dictionary(worse.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let names = worse.map(\.name)
    let groups = isGrouped ? Array(alikeTests(names, in: run).prefix(most)) : names.map { [$0] }
    let tests = groups.compactMap { group -> Symptom? in
      guard let test = byName[group[0]] else { return nil }
      return Symptom(
        kind: .test, name: test.name, words: words(test, deaths[test.name]), test: test.name, alike: group.count - 1)
    }
    var titles: Set<String> = []
    let reports = judgement.reports.filter { $0.countsAgainst && titles.insert($0.report.title).inserted }
    let told = (isGrouped ? Array(reports.prefix(most)) : reports).map { entry in
      Symptom(
        kind: .report, name: entry.report.title,
        words: entry.report.test.map { "a kernel report in \($0)" } ?? "a kernel report", test: entry.report.test)
    }
    let isUnexplained = run.ending != .completed && run.deaths.isEmpty
    let ending = isUnexplained ? [Symptom(kind: .ending, name: "does not complete", words: run.ending.words)] : []
    return tests + told + ending
  }

  private static func words(_ test: TestComparison, _ death: GuestEnding?) -> String {
    if let death { return "\(test.base.rawValue) on good, and here \(death.words)" }
    let detail = test.reason.isEmpty ? "" : " (\(test.reason))"
    return test.wasTriedAgain
      ? "passes \(test.baseTries.words) on good, \(test.seriesTries.words) here\(detail)"
      : "\(test.base.rawValue) on good, \(test.series.rawValue) here\(detail)"
  }

  /// Returns the tests that are needed to see any of the symptoms.
  /// - Parameter asked: the tests that the symptoms were found with, at least one.
  static func tests(of symptoms: [Symptom], asked: [String]) -> [String] {
    // It may take any of them.
    if symptoms.contains(where: { $0.kind == .ending }) { return asked }
    let needed = Set(symptoms.compactMap(\.test))
    let tests = asked.filter(needed.contains)
    // That a kernel builds and boots shows with any test.
    return tests.isEmpty ? Array(asked.prefix(1)) : tests
  }
}
