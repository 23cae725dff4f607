// SPDX-License-Identifier: Apache-2.0

import Toolbox

/// Lends a guest's turn to another guest while the first one is silent.
///
/// A guest whose test hangs usually leaves its CPU idle until the timeout, and a kernel that hangs in one test hangs in
/// others too. Without this, two such guests keep two CPUs idle for minutes. When the silent guest continues, it takes
/// its turn back at once, without queueing. For a while, there is then one more running guest than there are CPUs. A
/// guest never lends its memory.
final class IdleGuestSlot: Sendable {
  /// How long a guest may be silent. On an idle machine, the longest test takes a few seconds, and a boot takes three.
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

  /// - Parameter turns: the turns of guests; this guest holds one.
  init(_ turns: Capacity, at now: ContinuousClock.Instant = .now) {
    self.turns = turns
    state = Locked(State(last: now))
  }

  /// Runs a guest in `body`, which calls ``heard(at:)`` when the guest makes progress.
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

  /// Notes progress of the guest.
  func heard(at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      state.last = now
      state.patience = Self.patience.test
      takeBack(&state)
    }
  }

  /// Lends the turn if the guest was silent for too long.
  func look(at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      guard !state.isLent, !state.isOver, now - state.last >= state.patience else { return }
      state.isLent = true
      turns.release(1)
    }
  }

  /// Ends the lending when the guest has ended, so that its caller holds the turn again.
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
