// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc

/// Runs `body` in a task that is cancelled by the first SIGINT, SIGTERM or SIGHUP, so that its scopes end builds and
/// guests. A second signal does not wait for them.
func untilSignal<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
  let work = Task { try await body() }
  let counter = SignalCounter()
  let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      if counter.next() > 1 { _exit(130) }
      Output.note("\npatchbench: stopping; once more to stop at once")
      work.cancel()
    }
    source.resume()
    return source
  }
  defer { for source in sources { source.cancel() } }
  return try await work.value
}

/// Counts signals; its queue is not ours, so it has a lock.
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
