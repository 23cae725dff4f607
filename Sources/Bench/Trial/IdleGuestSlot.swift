// SPDX-License-Identifier: Apache-2.0

import Toolbox

/// Lends a guest's turn to another while nothing is heard of it.
///
/// A guest whose test hangs waits for its clock, most often with nothing to do for a processor, and a kernel that hangs in one
/// test does so in others. Without this, two such guests keep two processors idle for minutes. The turn is taken back as
/// soon as the guest goes on, at once and not in a queue: for a while one guest more than processors runs then. Its memory
/// stays its own.
final class IdleGuestSlot: Sendable {
  /// The longest test of a guest that does not hang takes a few seconds on an idle machine, and a boot three.
  static let patience = (boot: Duration.seconds(30), test: Duration.seconds(12))
  private static let interval = Duration.seconds(1)

  private struct State {
    var last: ContinuousClock.Instant
    var patience = IdleGuestSlot.patience.boot
    var isLent = false
    var isOver = false
  }

  private let turns: Capacity
  private let state: Locked<State>

  /// - Parameter turns: of which the guest has one.
  init(_ turns: Capacity, at now: ContinuousClock.Instant = .now) {
    self.turns = turns
    state = Locked(State(last: now))
  }

  /// Runs a guest that says when it goes on.
  func with<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    let watch = Task {
      while !Task.isCancelled {
        look()
        try? await Task.sleep(for: Self.interval)
      }
    }
    defer {
      watch.cancel()
      end()
    }
    return try await body()
  }

  /// The guest goes on.
  func heard(at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      state.last = now
      state.patience = Self.patience.test
      takeBack(&state)
    }
  }

  /// Lends the turn, if it is time.
  func look(at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      guard !state.isLent, !state.isOver, now - state.last >= state.patience else { return }
      state.isLent = true
      turns.release(1)
    }
  }

  /// The guest is gone; who gave it the turn has it back.
  func end() {
    state.withLock { state in
      state.isOver = true
      takeBack(&state)
    }
  }

  private func takeBack(_ state: inout State) {
    guard state.isLent else { return }
    state.isLent = false
    turns.takeBack(1)
  }
}
