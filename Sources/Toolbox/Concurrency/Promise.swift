// SPDX-License-Identifier: Apache-2.0

/// A value that one task makes and others wait for.
public final class Promise<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiting: [CheckedContinuation<Value, Never>] = []
  }

  private let state = Locked(State())

  public init() {}

  /// Gives the value to all who wait and will wait. Only the first call counts. The task that owns the promise must make
  /// it on every path, also when it is cancelled.
  public func fulfil(_ value: Value) {
    let waiting = state.withLock { state in
      if state.value != nil { return [] as [CheckedContinuation<Value, Never>] }
      state.value = value
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.resume(returning: value) }
  }

  /// The value, once there is one. Cancellation does not end the wait.
  public var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state in
          if state.value == nil { state.waiting.append(continuation) }
          return state.value
        }
        if let known { continuation.resume(returning: known) }
      }
    }
  }
}
