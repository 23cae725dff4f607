// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// What a test's process tells PID 1, in the words that also leave the guest: each check at once, the result at the
/// end.
struct TestReport {
  private let name: String
  private var reader = KTAPReader()
  /// The result, once the process has told it.
  private(set) var result: TestResult?

  /// A report of the one test that may be in it.
  init(_ name: String) {
    self.name = name
    _ = reader.read((KTAPWriter.plan([name]) + KTAPWriter.start(1)).utf8)
  }

  /// Takes what came through the pipe.
  mutating func take(_ bytes: some Sequence<UInt8>) {
    for case .finished(let seen) in reader.read(bytes) where seen.name == name { result = seen }
  }

  /// The checks that were told, whether or not a result followed them.
  func checks() -> [Check] {
    if let result { return result.checks }
    // The reader hands checks out with their result, so it is given one. The empty line ends one cut short.
    var copy = reader
    let end = "\n" + KTAPWriter.result(TestResult(name: name, status: .notOk), number: 1)
    for case .finished(let seen) in copy.read(end.utf8) { return seen.checks }
    return []
  }

  /// One check, as the process tells it.
  static func line(_ check: Check) -> String {
    KTAPWriter.result(TestResult(name: "", status: .missing, checks: [check]), number: 1)
  }

  /// The result, as the process tells it after its checks.
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
