// SPDX-License-Identifier: Apache-2.0

import Bench
import Dispatch
import Foundation
import Glibc
import Toolbox

/// Runs `body` in a task. The first SIGINT, SIGTERM or SIGHUP cancels the task, so that its scopes end builds and
/// guests. A repeated one exits without waiting for them, after it has killed what this process has started.
func untilSignal<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
  let work = Task { try await body() }
  StopSignals.shared.begin { work.cancel() }
  defer { StopSignals.shared.end() }
  return try await work.value
}

/// Hears the signals that ask to stop, from the first ``untilSignal(_:)`` to the end of the process.
///
/// There is one source for each signal. If one is cancelled and another one made soon after it, libdispatch may keep what
/// it has of the first, and the signal stays ignored.
///
/// `@unchecked Sendable`: the sources are not touched after `init`.
private final class StopSignals: @unchecked Sendable {
  static let shared = StopSignals()

  private struct State {
    var requests = StopRequests()
    /// Cancels the work; `nil` between two works.
    var cancel: (@Sendable () -> Void)?
    /// Whether a request came between two works: it ends the next one.
    var isWaiting = false
  }

  private let state = Locked(State())
  private var sources: [any DispatchSourceSignal] = []

  private init() {
    sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [state] in Self.hear(state) }
      source.resume()
      return source
    }
  }

  func begin(_ cancel: @escaping @Sendable () -> Void) {
    let isAsked = state.withLock { state in
      if state.isWaiting {
        state.isWaiting = false
        state.cancel = cancel
        return true
      }
      state = State(cancel: cancel)
      return false
    }
    if isAsked { Self.stop(cancel) }
  }

  func end() { state.withLock { $0.cancel = nil } }

  private static func stop(_ cancel: () -> Void) {
    Output.note("\npatchbench: stopping; repeat the signal to stop at once")
    cancel()
  }

  private static func hear(_ state: Locked<State>) {
    let (meaning, cancel) = state.withLock { state in
      let meaning = state.requests.next(at: .now)
      if meaning == .stop, state.cancel == nil { state.isWaiting = true }
      return (meaning, state.cancel)
    }
    switch meaning {
    case .stop: if let cancel { stop(cancel) }
    case .sameAgain: break
    case .stopAtOnce:
      Leftovers.endOwn(environment: ProcessInfo.processInfo.environment)
      _exit(130)
    }
  }
}

/// Tells a repeated request to stop from one that came by several signals.
///
/// timeout(1) sends its signal to the program and then to the program's whole process group, and a terminal that closes
/// sends SIGHUP by two ways. Nobody has read the first answer by then.
struct StopRequests {
  enum Meaning: Hashable {
    case stop
    /// A part of the first request.
    case sameAgain
    case stopAtOnce
  }

  private var first: ContinuousClock.Instant?
  private static let together = Duration.seconds(1)

  mutating func next(at now: ContinuousClock.Instant) -> Meaning {
    guard let first else {
      first = now
      return .stop
    }
    return now - first < Self.together ? .sameAgain : .stopAtOnce
  }
}
