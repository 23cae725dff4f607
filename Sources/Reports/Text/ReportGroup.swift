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
    var order: [String] = []
    var byTitle: [String: ReportGroup] = [:]
    for entry in reports {
      if byTitle[entry.report.title] == nil {
        order.append(entry.report.title)
        byTitle[entry.report.title] = ReportGroup(
          first: entry.report, onBase: entry.onBase, known: entry.known, count: 0)
      }
      byTitle[entry.report.title]?.count += 1
    }
    let all = order.compactMap { byTitle[$0] }
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
    let told = tests.filter { !$0.isLost }
    let changed = told.filter { $0.change != .same && ($0.change != .new || $0.series.isNotable) }
    return changed + told.filter { $0.change == .same && ($0.series.isNotable || $0.base.isNotable) }
  }

  /// The names of the tests that never reported. A guest that dies early loses many, all for the same reason.
  var lostTests: [String] { tests.filter(\.isLost).map(\.name) }

  /// The number of tests that are neither notable nor lost.
  var quietTests: Int { tests.count - notableTests.count - lostTests.count }
}

extension TestComparison {
  /// Whether a reader may want to see it fail again.
  var isWorse: Bool { change == .regressed || change == .flaky || change == .new && series.isNotable }

  /// Whether the series' side never reported.
  fileprivate var isLost: Bool { change == .missing && series == .missing }

  /// The number of checks that passed on both sides.
  var heldChecks: Int { checks.count { $0.base?.passed == true && $0.series?.passed == true } }

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
