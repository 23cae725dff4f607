// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value that is only accessed under a lock.
///
/// It replaces the standard library's `Mutex`, which is a futex inside that library. The thread sanitizer of Swift 6.3
/// for Linux does not recognize that and reports every access under one as a race. It recognizes pthread's lock.
///
/// `@unchecked Sendable`: the value is only accessed through ``withLock(_:)``.
public final class Locked<Value: Sendable>: @unchecked Sendable {
  private var value: Value
  /// Allocated, because a lock must not move.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>

  public init(_ value: Value) {
    self.value = value
    lock = .allocate(capacity: 1)
    let status = pthread_mutex_init(lock, nil)
    precondition(status == 0, "the lock could not be created: \(status)")
  }

  deinit {
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Calls `body` with exclusive access to the value. A nested call inside `body` deadlocks.
  public func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}
