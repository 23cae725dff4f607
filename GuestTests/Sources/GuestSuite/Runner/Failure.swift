// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import Glibc

/// A call failed that a test needs. It ends the test with a failed check: if a test cannot set itself up, it cannot
/// pass.
struct CallFailed: Error, Hashable {
  /// The call in the test's own words: `mmap of forwarded`.
  var call: String
  var code: Int32

  init(_ call: String, code: Int32 = errno) {
    self.call = call
    self.code = code
  }
}

/// Ends a test that cannot give an answer in this guest.
struct Skip: Error, Hashable {
  var reason: String
}

/// The symbolic name of an errno: `EINVAL`.
func errnoName(_ code: Int32) -> String {
  cguest_errno_name(code).map { String(cString: $0) } ?? "errno \(code)"
}

/// The error of the first call in a body that failed, as ``errnoName(_:)``; `done` if none did.
func errnoWord(_ body: () throws -> Void) throws -> String {
  do {
    try body()
    return "done"
  } catch let failed as CallFailed { return errnoName(failed.code) }
}

/// The name of a signal: `SIGKILL`.
func signalName(_ number: Int32) -> String {
  cguest_signal_name(number).map { "SIG" + String(cString: $0) } ?? "unknown"
}
