// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

/// Collects what one test looked at.
final class Recorder {
  private(set) var checks: [Check] = []
  private let hear: (Check) -> Void

  /// Makes a recorder that also tells each check as soon as it is made: a kernel that takes the test down must not
  /// take with it what the test had already seen.
  init(hear: @escaping (Check) -> Void = { _ in }) { self.hear = hear }

  /// Records one thing looked at. The detail says what was seen, and what was expected where that differs.
  func expect(_ passed: Bool, _ name: String, _ detail: @autoclosure () -> String = "") {
    // The host knows a check by its name, so two of one name would hide one another.
    let taken = checks.contains { $0.name == name }
    let check = Check(
      name: taken ? "\(name) (named twice, as check \(checks.count + 1))" : name, passed: passed && !taken,
      detail: detail())
    checks.append(check)
    hear(check)
  }

  /// Records a comparison.
  func equal<Value: Equatable>(_ seen: Value, _ expected: Value, _ name: String) {
    expect(seen == expected, name, seen == expected ? "\(seen)" : "\(seen), expected \(expected)")
  }

  /// Records a comparison of what may be absent.
  func equal<Value: Equatable>(_ seen: Value?, _ expected: Value?, _ name: String) {
    let words = { (value: Value?) in value.map { "\($0)" } ?? "none" }
    expect(seen == expected, name, seen == expected ? words(seen) : "\(words(seen)), expected \(words(expected))")
  }

  /// Records whether a file is the one that it should be. The numbers are not told: a device node's depends on the
  /// processor that made it, and what two boots of one kernel say must not differ by that.
  func sameInode(_ seen: UInt64?, _ expected: UInt64, _ name: String) {
    expect(seen == expected, name, seen == expected ? "" : seen == nil ? "none" : "another file's")
  }

  /// What the checks amount to, with the error that ended the test if one did.
  func result(of name: String, ended error: (any Error)?) -> TestResult {
    switch error {
    case let skip as Skip where checks.allSatisfy(\.passed):
      return TestResult(name: name, status: .skip, reason: skip.reason, checks: checks)
    case let skip as Skip: expect(false, "the test went on to its end", skip.reason)
    case let failed as CallFailed: expect(false, failed.call, errnoName(failed.code))
    case .some(let other): expect(false, "the test went on to its end", "\(other)")
    case nil: break
    }
    if checks.isEmpty { expect(false, "the test looked at something", "no check was made") }
    return TestResult(name: name, status: checks.allSatisfy(\.passed) ? .ok : .notOk, checks: checks)
  }
}
