// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import CLibc

/// What ends a test before it has come to its end. It is the only error that tests and their parts throw, because
/// Embedded Swift has no `any Error`.
enum Failure: Error, Hashable {
  /// A call failed that the test needs. It becomes a failed check: if a test cannot set itself up, it cannot pass.
  /// - Parameters:
  ///   - call: the call in the test's own words: `mmap of forwarded`.
  case call(_ call: String, code: Int32 = errno)
  /// The test cannot give an answer in this guest, for this reason.
  case skip(_ reason: String)

  /// The errno of the call; `nil` if it is none.
  var code: Int32? {
    if case .call(_, let code) = self { code } else { nil }
  }

  /// The name of the errno, or the reason.
  var word: String {
    switch self {
    case .call(_, let code): errnoName(code)
    case .skip(let reason): reason
    }
  }
}

extension Failure: CustomStringConvertible {
  var description: String {
    if case .call(let call, _) = self { "\(call): \(word)" } else { word }
  }
}

/// The symbolic name of an errno: `EINVAL`.
func errnoName(_ code: Int32) -> String {
  cguest_errno_name(code).map { String(cString: $0) } ?? "errno \(code)"
}

/// The error of the first call in a body that failed, as ``errnoName(_:)``; `done` if none did.
func errnoWord(_ body: () throws(Failure) -> Void) throws(Failure) -> String {
  do {
    try body()
    return "done"
  } catch {
    guard let code = error.code else { throw error }
    return errnoName(code)
  }
}

/// The name of a signal: `SIGKILL`.
func signalName(_ number: Int32) -> String {
  cguest_signal_name(number).map { "SIG" + String(cString: $0) } ?? "unknown"
}
