// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value that is only reached under a lock.
///
/// As the standard library's `Mutex`, which is a futex inside of that library: the thread sanitizer of Swift 6.3 for Linux
/// does not see it and reports whatever is reached under one as raced for. It knows the lock of pthread.
///
/// `@unchecked Sendable`: nothing but ``withLock(_:)`` reaches the value.
public final class Locked<Value: Sendable>: @unchecked Sendable {
  private var value: Value
  /// Allocated, since a lock must not move.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>

  public init(_ value: Value) {
    self.value = value
    lock = .allocate(capacity: 1)
    let status = pthread_mutex_init(lock, nil)
    precondition(status == 0, "no lock could be made: \(status)")
  }

  deinit {
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Calls `body` with the value, when nobody else has it. Whoever asks again inside of `body` waits for ever.
  public func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}
