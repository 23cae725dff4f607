// SPDX-License-Identifier: Apache-2.0

/// Which tests ran which functions of the base, as counted in the base's own guest.
public struct TestReach: Codable, Sendable, Hashable {
  /// By function: the tests that ran it, as indices of the tests of the base's ``GuestRun``, ascending.
  public var functions: [String: [Int]]

  /// - Parameter tests: the names of the tests of that run, in its order.
  public init(_ execution: Execution, tests: [String]) {
    let numbers = Dictionary(tests.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    functions = execution.runs.mapValues { counts in counts.keys.compactMap { numbers[$0] }.sorted() }
  }

  /// Returns the tests that ran any of these functions.
  /// - Parameter tests: as above. Indices beyond them are left out: a record may have been edited.
  public func tests(running names: [String], of tests: [String]) -> Set<String> {
    Set(names.flatMap { functions[$0] ?? [] }.filter(tests.indices.contains).map { tests[$0] })
  }
}
