// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

/// One test that the guest can run.
public struct GuestTest: Sendable {
  /// `group/subject/what`, of `[a-z0-9_./-]`.
  public let name: String
  /// The question, from the list thread or the code's history, that the test answers. One line.
  public let question: String
  let body: @Sendable (Recorder) throws(Failure) -> Void

  init(_ name: String, question: String, body: @escaping @Sendable (Recorder) throws(Failure) -> Void) {
    self.name = name
    self.question = question
    self.body = body
  }

  /// Runs the test in this process, reporting each check as soon as it is made.
  public func run(hear: @escaping (Check) -> Void = { _ in }) -> TestResult {
    let recorder = Recorder(hear: hear)
    do {
      try body(recorder)
      return recorder.result(of: name, ended: nil)
    } catch {
      return recorder.result(of: name, ended: error)
    }
  }
}
