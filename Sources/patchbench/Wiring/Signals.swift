// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc

/// Runs `body` in a task. The first SIGINT, SIGTERM or SIGHUP cancels the task, so that its scopes end builds and
/// guests. A second signal exits without waiting for them.
func untilSignal<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
  let work = Task { try await body() }
  let counter = SignalCounter()
  let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      if counter.next() > 1 { _exit(130) }
      Output.note("\npatchbench: stopping; repeat the signal to stop at once")
      work.cancel()
    }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
  return try await work.value
}

/// Counts signals. It has a lock, because its caller runs on a global queue.
private final class SignalCounter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}
