// SPDX-License-Identifier: Apache-2.0

internal import CGuest
internal import Glibc

/// A call that a test needs and that did not do it. It ends the test as a failed check: what a test cannot set up it
/// cannot call right.
struct CallFailed: Error, Hashable {
  /// The call in the test's own words: `mmap of forwarded`.
  var call: String
  var code: Int32

  init(_ call: String, code: Int32 = errno) {
    self.call = call
    self.code = code
  }
}

/// Ends a test that cannot say anything in this guest.
struct Skip: Error, Hashable {
  var reason: String
}

/// The symbolic name of an errno: `EINVAL`.
func errnoName(_ code: Int32) -> String {
  cguest_errno_name(code).map { String(cString: $0) } ?? "errno \(code)"
}

/// What a body's first call that did not do it says, as ``errnoName(_:)``; `done` if all did.
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
