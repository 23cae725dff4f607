// SPDX-License-Identifier: Apache-2.0

/// How one test ended, in the terms of `report.json`.
public enum TestStatus: String, Sendable, Hashable, CaseIterable {
  /// Every check held.
  case ok
  /// At least one check did not hold.
  case notOk = "not-ok"
  /// The test cannot give an answer here; its reason says why.
  case skip
  /// The test was planned but never reported.
  case missing
  /// The process of the test was killed by a signal.
  case crash
  /// The process of the test did not finish within its time limit.
  case timeout
}

/// What of today's design a check asks for. A series may answer these questions in another way, and is then different,
/// but not wrong.
public enum Design: String, Sendable, Hashable, CaseIterable {
  /// Which file a mapping is linked to.
  case file
  /// At which offset it is linked to that file.
  case offset
  /// On which address space a mapping is found.
  case addressSpace = "address-space"
  /// Which file keeps a buffer for its mappings, and since when.
  case reference
  /// Whether a mapping may be made executable.
  case flags
}

/// One thing that a test checked: a KTAP subtest.
public struct Check: Sendable, Hashable {
  /// What was checked, unique in its test: `dma-buf: faults after unbind`.
  public var name: String
  /// Whether it was as expected.
  public var passed: Bool
  /// What was seen, and what was expected if that differs: `0, expected 1`.
  public var detail: String
  /// What of today's design it asks for; `nil` if it must hold, whatever the design.
  public var design: Design?

  public init(name: String, passed: Bool, detail: String = "", design: Design? = nil) {
    self.name = name
    self.passed = passed
    self.detail = detail
    self.design = design
  }
}

/// What the guest reported for one test.
public struct TestResult: Sendable, Hashable {
  /// A path of two to four parts, `group/subject/what`: `forward/virtio_gpu-to-vgem/three-aliases`.
  public var name: String
  public var status: TestStatus
  /// Why it was skipped, timed out or crashed; empty otherwise.
  public var reason: String
  /// What the test checked, in order.
  public var checks: [Check]

  public init(name: String, status: TestStatus, reason: String = "", checks: [Check] = []) {
    self.name = name
    self.status = status
    self.reason = reason
    self.checks = checks
  }

  /// The checks that must hold, whatever the design, and did not.
  public var failedMusts: [Check] { checks.filter { !$0.passed && $0.design == nil } }

  /// How the test ended as far as what must hold is concerned: `ok` also if it is `not-ok` for a difference by design
  /// alone.
  public var musts: TestStatus {
    status == .notOk && failedMusts.isEmpty && checks.contains { !$0.passed } ? .ok : status
  }

  /// The reason text of a test whose process survived SIGKILL.
  public static let hang = "it hangs in the kernel"

  /// Whether the test hung in the kernel, and did not merely run out of time.
  public var hangs: Bool { status == .timeout && reason.holds(Self.hang) }
}

// The guest is compiled as Embedded Swift, which has no Codable.
#if !hasFeature(Embedded)
  extension TestStatus: Codable {}
  extension Design: Codable {}
  extension Check: Codable {}
  extension TestResult: Codable {}
#endif
