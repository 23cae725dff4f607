// SPDX-License-Identifier: Apache-2.0

import GuestMachine
public import GuestProtocol
import KernelText

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

  /// A guest that answers tests, one after another, and whose kernel warns in some of them.
  /// - Parameter warnings: by test, the function that warns.
  public static func answers(
    _ tests: [(name: String, status: TestStatus)], warning warnings: [String: String]
  ) -> [Step] {
    let console = tests.map { test in
      let warning = warnings[test.name].map {
        "[    6.000000] WARNING: CPU: 0 PID: 38 at drivers/a.c:12 \($0)+0x1/0x2\n"
          + "[    6.000000] ---[ end trace 0000000000000000 ]---\n"
      }
      return "[    6.000000] \(ConsoleScanner.testBegins)\(test.name)\n\(warning ?? "")"
        + "[    6.000000] \(ConsoleScanner.testEnds)\(test.name)\n"
    }
    return [.console(console.joined())] + answers(tests)
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
