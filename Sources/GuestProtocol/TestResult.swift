// SPDX-License-Identifier: Apache-2.0

/// How one test ended, in the words of `report.json`.
public enum TestStatus: String, Codable, Sendable, Hashable, CaseIterable {
  /// Every check held.
  case ok
  /// At least one check did not hold.
  case notOk = "not-ok"
  /// The test cannot say anything here; its reason says why.
  case skip
  /// The test was planned and never reported.
  case missing
  /// The process of the test was killed by a signal.
  case crash
  /// The process of the test did not end in its time.
  case timeout
}

/// One thing a test looked at: a KTAP subtest.
public struct Check: Codable, Sendable, Hashable {
  /// What was looked at, unique in its test: `dma-buf: faults after unbind`.
  public var name: String
  /// Whether it was as it should be.
  public var passed: Bool
  /// What was seen, and what was expected where that differs: `0, expected 1`.
  public var detail: String

  public init(name: String, passed: Bool, detail: String = "") {
    self.name = name
    self.passed = passed
    self.detail = detail
  }
}

/// What the guest said of one test.
public struct TestResult: Codable, Sendable, Hashable {
  /// A path of two to four parts, `group/subject/what`: `forward/virtio_gpu-to-vgem/three-aliases`.
  public var name: String
  public var status: TestStatus
  /// Why it was skipped, timed out or crashed; empty otherwise.
  public var reason: String
  /// What the test looked at, in order.
  public var checks: [Check]

  public init(name: String, status: TestStatus, reason: String = "", checks: [Check] = []) {
    self.name = name
    self.status = status
    self.reason = reason
    self.checks = checks
  }

  /// What the reason of a test says whose process not even SIGKILL ended.
  public static let hang = "it hangs in the kernel"

  /// Whether it ran out of time in the kernel and for good, and not just out of time.
  public var hangs: Bool { status == .timeout && reason.contains(Self.hang) }
}
