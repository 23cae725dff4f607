// SPDX-License-Identifier: Apache-2.0

internal import BenchModel
internal import GuestProtocol
internal import KernelText
internal import Verdicts

/// Kernel reports with the same title, shown once.
struct ReportGroup {
  /// The first of them.
  var first: KernelReport
  var onBase: Bool
  var known: KnownReport?
  var count: Int

  /// Groups a series' reports in order of first appearance. Those that the base does not have come first.
  static func groups(_ reports: [ReportComparison]) -> [ReportGroup] {
    let all = reports.grouped(by: \.report.title).map { _, entries in
      ReportGroup(
        first: entries[0].report, onBase: entries[0].onBase, known: entries[0].known, count: entries.count)
    }
    return all.filter(\.counts) + all.filter { !$0.counts }
  }

  /// `kasan, in forward/x/y, 3 times, after warning`
  var words: String {
    let place = first.test.map { "in \($0)" } ?? "outside of any test"
    let before = first.taints.flatMap { $0.isEmpty ? nil : ", after " + $0.map(\.words).joined(separator: ", ") } ?? ""
    let why = onBase ? "" : known.map { "; known: \($0.reason), \($0.link)" } ?? ""
    return "\(first.kind.rawValue), \(place)" + (count == 1 ? "" : ", \(count) times") + before + why
  }

  /// Whether it counts against the series.
  var counts: Bool { !onBase && known == nil }
}

extension Judgement {
  /// The tests to show one by one, the changed ones first.
  var notableTests: [TestComparison] {
    let told = tests.filter { !$0.isLost && $0.isNotable }
    return told.filter { $0.change != .same } + told.filter { $0.change == .same }
  }

  /// The names of the tests that never reported. A guest that dies early loses many, all for the same reason.
  var lostTests: [String] { tests.filter(\.isLost).map(\.name) }

  /// The number of tests that are neither notable nor lost.
  var quietTests: Int { tests.count - notableTests.count - lostTests.count }
}

extension TestComparison {
  /// Whether a reader may want to see it fail again.
  var isWorthRepeating: Bool { isWorse || change == .flaky }

  /// Whether a series' section tells of it.
  var isNotable: Bool {
    switch change {
    case .same: series.isNotable || base.isNotable
    case .new: series.isNotable
    case .fixed, .differs, .regressed, .flaky, .missing: true
    }
  }

  /// Whether the series' side never reported.
  fileprivate var isLost: Bool { change == .missing && series == .missing }

  /// The number of checks that passed on both sides.
  var heldChecks: Int { checks.count(where: \.isHeld) }

  /// The checks that failed on either side, or are missing on one.
  var notableChecks: [CheckComparison] {
    checks.filter { check in
      let lost = (check.base == nil || check.series == nil) && base.hasChecks && series.hasChecks
      return lost || check.base?.passed == false || check.series?.passed == false
    }
  }
}

extension TestStatus {
  /// Whether a test with this status completed its checks, so that an absent check is gone.
  fileprivate var hasChecks: Bool { self == .ok || self == .notOk }
}
