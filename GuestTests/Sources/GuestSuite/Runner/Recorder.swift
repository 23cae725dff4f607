// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// Collects the checks of one test.
final class Recorder {
  private(set) var checks: [Check] = []
  private let hear: (Check) -> Void

  /// Makes a recorder that also reports each check as soon as it is made: if the kernel takes the test down, the checks
  /// made so far must survive.
  init(hear: @escaping (Check) -> Void = { _ in }) { self.hear = hear }

  /// Records one check. The detail says what was seen, and what was expected if that differs.
  /// - Parameter design: what of today's design the check asks for; `nil` if it must hold, whatever the design.
  func expect(_ passed: Bool, _ name: String, by design: Design? = nil, _ detail: @autoclosure () -> String = "") {
    // The host identifies a check by its name, so one of two with the same name would hide the other.
    let taken = checks.contains { $0.name == name }
    let check = Check(
      name: taken ? "\(name) (named twice, as check \(checks.count + 1))" : name, passed: passed && !taken,
      detail: detail(), design: taken ? nil : design)
    checks.append(check)
    hear(check)
  }

  /// Records a comparison.
  func equal<Value: Equatable & Shown>(_ seen: Value, _ expected: Value, _ name: String, by design: Design? = nil) {
    expect(
      seen == expected, name, by: design, seen == expected ? seen.shown : "\(seen.shown), expected \(expected.shown)")
  }

  /// Records a comparison of optional values.
  func equal<Value: Equatable & Shown>(_ seen: Value?, _ expected: Value?, _ name: String, by design: Design? = nil) {
    let words = { (value: Value?) in value?.shown ?? "none" }
    expect(
      seen == expected, name, by: design,
      seen == expected ? words(seen) : "\(words(seen)), expected \(words(expected))")
  }

  /// Records whether a file is the expected one, without the inode numbers. A device node's number depends on the CPU
  /// that created it, and two boots of one kernel must not differ by that.
  func sameInode(_ seen: UInt64?, _ expected: UInt64, _ name: String, by design: Design? = nil) {
    expect(seen == expected, name, by: design, seen == expected ? "" : seen == nil ? "none" : "another file's")
  }

  /// Summarizes the checks, and the error that ended the test if there was one.
  func result(of name: String, ended failure: Failure?) -> TestResult {
    switch failure {
    case .skip(let reason) where checks.allSatisfy({ $0.passed || $0.design != nil }):
      return TestResult(name: name, status: .skip, reason: reason, checks: checks)
    case .skip(let reason): expect(false, "the test went on to its end", reason)
    case .call(let call, let code): expect(false, call, errnoName(code))
    case nil: break
    }
    if checks.isEmpty { expect(false, "the test looked at something", "no check was made") }
    return TestResult(name: name, status: checks.allSatisfy { $0.passed } ? .ok : .notOk, checks: checks)
  }
}
