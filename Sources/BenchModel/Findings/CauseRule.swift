// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a series, by how much it matters to a maintainer. The weightiest comes first.
public enum CauseKind: String, Codable, Sendable, Hashable, CaseIterable {
  /// The kernel panics or hangs as a whole.
  case dies
  /// Stale data, another's data, or memory used after it was freed.
  case stale
  /// Somebody may do more than before.
  case access
  /// A mapping is not found when it must be unmapped.
  case invalidation
  /// A leak, or a count that does not balance.
  case balance
  /// A process hangs in the kernel, or is killed.
  case hangs
  /// A call that must fail does not, or with another errno.
  case errno
  /// The kernel complains, for a reason that no test shows.
  case splat
  /// Any other answer than on the base.
  case behaviour
  /// A kernel report after other kernel reports, and perhaps because of them.
  case consequence
}

/// How to put into words what it means that tests or kernel reports got worse.
public struct CauseRule: Codable, Sendable, Hashable {
  /// What is wrong.
  public var kind: CauseKind
  /// What the series does, as a sentence without its subject's name: `after a buffer has moved, an alias still shows its
  /// old page`.
  public var words: String
  /// The tests that show it.
  public var tests: [NamePattern]
  /// Which of their checks show it; any, if there are none.
  public var checks: [NamePattern]
  /// Whether all failed checks must be among these, and not only one.
  public var needsAll: Bool
  /// The titles of kernel reports that show it.
  public var reports: [NamePattern]

  /// Creates a rule; see the properties.
  public init(
    kind: CauseKind, words: String, tests: [NamePattern] = [], checks: [NamePattern] = [], needsAll: Bool = false,
    reports: [NamePattern] = []
  ) {
    self.kind = kind
    self.words = words
    self.tests = tests
    self.checks = checks
    self.needsAll = needsAll
    self.reports = reports
  }

  /// Whether it puts a test's failure into words.
  /// - Parameter failed: the checks that must hold and do not.
  public func matches(test: String, failed: [String]) -> Bool {
    guard tests.contains(where: { $0.matches(test) }) else { return false }
    if checks.isEmpty { return true }
    let isOne = { (check: String) in checks.contains { $0.matches(check) } }
    return needsAll ? !failed.isEmpty && failed.allSatisfy(isOne) : failed.contains(where: isOne)
  }

  /// Whether it puts a kernel report into words.
  public func matches(report title: String) -> Bool { reports.contains { $0.matches(title) } }
}
