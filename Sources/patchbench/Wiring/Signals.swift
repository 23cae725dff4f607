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
  let requests = Locked(StopRequests())
  let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      switch requests.withLock({ $0.next(at: .now) }) {
      case .stop:
        Output.note("\npatchbench: stopping; repeat the signal to stop at once")
        work.cancel()
      case .sameAgain: break
      case .stopAtOnce:
        Leftovers.endOwn(environment: ProcessInfo.processInfo.environment)
        _exit(130)
      }
    }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
  return try await work.value
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
