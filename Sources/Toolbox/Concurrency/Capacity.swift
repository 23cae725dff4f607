// SPDX-License-Identifier: Apache-2.0

/// A number of units that are lent out in the order of the requests. No request overtakes another, however large that
/// is.
public final class Capacity: Sendable {
  public let total: Int
  private let state: Locked<State>

  private struct State {
    let total: Int
    var free: Int
    /// The most units in use at the same time.
    var peak = 0
    var waiting: [(number: Int, amount: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    var next = 0

    mutating func take(_ amount: Int) {
      free -= amount
      peak = max(peak, total - free)
    }
  }

  public init(_ total: Int) {
    self.total = max(1, total)
    state = Locked(State(total: max(1, total), free: max(1, total)))
  }

  /// The most units that were ever in use at the same time.
  public var peak: Int { state.withLock(\.peak) }

  /// The number of free units; negative while more are in use than exist.
  public var free: Int { state.withLock(\.free) }

  /// The number of waiting requests.
  var waiting: Int { state.withLock(\.waiting.count) }

  /// Acquires units, waiting until they are free. Larger requests are clamped to the total, and so run alone.
  /// - Returns: the number of units acquired, to be returned with ``release(_:)``.
  /// - Throws: `CancellationError` if the task is cancelled while it waits.
  public func acquire(_ amount: Int = 1) async throws -> Int {
    let amount = min(max(0, amount), total)
    let number = state.withLock { state in
      state.next += 1
      return state.next
    }
    let taken = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = state.withLock { state in
          if Task.isCancelled { return false }
          if state.waiting.isEmpty, state.free >= amount {
            state.take(amount)
            return true
          }
          state.waiting.append((number, amount, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let gone = state.withLock { state in
        state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
      }
      gone?.resume(returning: false)
      // The requests behind it may have been waiting only for this one.
      release(0)
    }
    if !taken { throw CancellationError() }
    return amount
  }

  /// Returns units.
  public func release(_ amount: Int) {
    let served = state.withLock { state in
      state.free += amount
      var served: [CheckedContinuation<Bool, Never>] = []
      while let first = state.waiting.first, state.free >= first.amount {
        state.take(first.amount)
        served.append(first.continuation)
        state.waiting.removeFirst()
      }
      return served
    }
    for continuation in served { continuation.resume(returning: true) }
  }

  /// Takes units back immediately that were released too early. Others may have acquired them by now; then more units
  /// are in use than exist until enough are released.
  public func takeBack(_ amount: Int) { state.withLock { $0.take(amount) } }

  /// Runs `body` with some units, which are always released afterwards.
  public func with<Result>(_ amount: Int = 1, _ body: () async throws -> Result) async throws -> Result {
    let taken = try await acquire(amount)
    defer { release(taken) }
    return try await body()
  }
}
