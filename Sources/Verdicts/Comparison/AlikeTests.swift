// SPDX-License-Identifier: Apache-2.0

public import BenchModel
public import GuestProtocol

/// In which way a test failed or gave no answer. If many tests fail alike, a few tries of one of them tell as much as
/// tries of all.
public struct FailureKind: Hashable, Sendable {
  private enum Way: Hashable {
    case checks(Set<String>)
    case crash(String)
    case timeout
    case hang
    /// Without anything in common with other tests.
    case alone(String)
  }

  private var way: Way

  /// - Parameter isOverdue: whether the test only ran out of a short limit.
  public init(_ test: TestResult, isOverdue: Bool) {
    way =
      switch test.status {
      case .notOk: .checks(Set(test.checks.filter { !$0.passed }.map(\.name)))
      case .crash: .crash(test.reason)
      case .timeout: test.hangs ? .hang : .timeout
      case .skip where isOverdue: .timeout
      case .ok, .skip, .missing: .alone(test.name)
      }
  }
}

/// Groups tests by how they failed, in the order of their first ones.
/// - Parameters:
///   - names: the tests.
///   - run: the run with their results; a test without one is alone.
/// - Returns: the groups. None is empty.
public func alikeTests(_ names: [String], in run: GuestRun) -> [[String]] {
  let byName = Dictionary(run.tests.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  let overdue = Set(run.overdue ?? [])
  return names.grouped { name in
    FailureKind(byName[name] ?? TestResult(name: name, status: .missing), isOverdue: overdue.contains(name))
  }.map(\.elements)
}
