// SPDX-License-Identifier: Apache-2.0

/// A number of units that are lent out, in the order in which they were asked for; nobody is passed over, however much
/// they want.
public final class Capacity: Sendable {
  public let total: Int
  private let state: Locked<State>

  private struct State {
    let total: Int
    var free: Int
    /// The most that was lent at once.
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

  /// The most units that were ever lent at once.
  public var peak: Int { state.withLock(\.peak) }

  /// How many can be had; less than none while more are lent than there are.
  public var free: Int { state.withLock(\.free) }

  /// How many wait for units.
  var waiting: Int { state.withLock(\.waiting.count) }

  /// Takes units, waiting for them. Who asks for more than there are gets all of them, and so runs alone.
  /// - Returns: how many were taken, to be given back with ``release(_:)``.
  /// - Throws: `CancellationError` if the task is cancelled before it has them.
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
      // Who waited behind it may have been waiting for it alone.
      release(0)
    }
    if !taken { throw CancellationError() }
    return amount
  }

  /// Gives units back.
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

  /// Takes units that were given back before their time, at once: others may have them by now, and then more are lent than
  /// there are until enough were given back.
  public func takeBack(_ amount: Int) { state.withLock { $0.take(amount) } }

  /// Runs `body` with some units, which are given back however it ends.
  public func with<Result>(_ amount: Int = 1, _ body: () async throws -> Result) async throws -> Result {
    let taken = try await acquire(amount)
    defer { release(taken) }
    return try await body()
  }
}
