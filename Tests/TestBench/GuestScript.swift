// SPDX-License-Identifier: Apache-2.0

import GuestMachine
public import GuestProtocol

/// Scripts of guests that run tests.
public enum GuestScript {
  /// A guest that plans some tests, answers them, and ends.
  public static func answers(_ tests: [(name: String, status: TestStatus)]) -> [Step] {
    [.results(text(tests, of: tests.map(\.name)) + KTAPWriter.end(tests.count)), .stop(.guest)]
  }

  /// A guest whose kernel panics in the test after those that it answers.
  public static func panics(behind tests: [(name: String, status: TestStatus)], of all: [String]) -> [Step] {
    [
      .results(text(tests, of: all) + KTAPWriter.start(tests.count + 1)),
      .console("[    6.000000] Kernel panic - not syncing: Fatal exception\n"), .stop(.guest),
    ]
  }

  /// A guest that boots up to where it waits for its orders.
  public static let holds: [Step] = [.results("\(GuestHold.line)\n")]

  private static func text(_ tests: [(name: String, status: TestStatus)], of all: [String]) -> String {
    KTAPWriter.plan(all)
      + tests.enumerated().map { index, test in
        KTAPWriter.start(index + 1)
          + KTAPWriter.result(TestResult(name: test.name, status: test.status), number: index + 1)
      }.joined()
  }
}
