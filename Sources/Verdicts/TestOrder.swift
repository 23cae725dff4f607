// SPDX-License-Identifier: Apache-2.0

internal import GuestProtocol

extension TestStatus {
  /// How bad an answer is, from `ok` up; `nil` if the test gave no answer.
  var severity: Int? {
    switch self {
    case .ok: 0
    case .notOk: 1
    case .timeout: 2
    case .crash: 3
    case .skip, .missing: nil
    }
  }

  /// Whether the test says something about the kernel: neither `skip` nor `missing`.
  var isAnswer: Bool { severity != nil }

  /// Whether it is an answer other than `ok`.
  var isBad: Bool { severity.map { $0 > 0 } ?? false }
}

extension TestResult {
  /// Why the test ended this way: its own reason, or else its failed checks; empty for a plain `ok`.
  var words: String {
    if !reason.isEmpty { return reason }
    switch status {
    case .missing: return "planned but never reported"
    case .notOk: break
    case .ok, .skip, .crash, .timeout: return ""
    }
    // What differs by design alone explains a failure only if nothing else does.
    let failed = failedMusts.isEmpty ? checks.filter { !$0.passed } : failedMusts
    guard let first = failed.first else { return "" }
    let detail = first.detail.isEmpty ? first.name : "\(first.name): \(first.detail)"
    return failed.count == 1 ? detail : "\(detail) (and \(failed.count - 1) more)"
  }
}
