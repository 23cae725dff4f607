// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// A test process's report to PID 1, in the format that also leaves the guest: each check at once, the result at the
/// end.
struct TestReport {
  private let name: String
  private var reader = KTAPReader()
  /// The result, once the process has reported it.
  private(set) var result: TestResult?

  /// Creates a report that may contain only this test.
  init(_ name: String) {
    self.name = name
    _ = reader.read((KTAPWriter.plan([name]) + KTAPWriter.start(1)).utf8)
  }

  /// Takes bytes that came through the pipe.
  mutating func take(_ bytes: some Sequence<UInt8>) {
    for case .finished(let seen) in reader.read(bytes) where seen.name == name { result = seen }
  }

  /// The reported checks, whether or not a result followed them.
  func checks() -> [Check] {
    if let result { return result.checks }
    // The reader returns checks together with their result, so it is given one. The empty line ends a truncated line.
    var copy = reader
    let end = "\n" + KTAPWriter.result(TestResult(name: name, status: .notOk), number: 1)
    for case .finished(let seen) in copy.read(end.utf8) { return seen.checks }
    return []
  }

  /// One check, as the process reports it.
  static func line(_ check: Check) -> String {
    KTAPWriter.result(TestResult(name: "", status: .missing, checks: [check]), number: 1)
  }

  /// The result, as the process reports it after its checks.
  static func lines(_ result: TestResult) -> String {
    KTAPWriter.result(
      TestResult(name: result.name, status: result.status, reason: result.reason), number: 1)
  }

  /// The process's side: runs the test and reports it on the descriptor that PID 1 gave it.
  static func run(_ name: String) -> Int32 {
    let pipe = OpenFile(number: TestProcess.reportDescriptor)
    let result =
      Suite.test(named: name)?.run { pipe.write(line($0)) }
      ?? TestResult(name: name, status: .notOk, reason: "no such test")
    return pipe.write(lines(result)) ? 0 : 1
  }
}
