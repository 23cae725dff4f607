// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import patchbench

@Suite("a request to stop", .serialized) struct StopRequestTests {
  @Test("signals at the same time are one request, and a later one is another")
  func meanings() {
    let start = ContinuousClock.now
    var requests = StopRequests()
    let times: [Duration] = [.zero, .milliseconds(1), .milliseconds(999), .seconds(1), .seconds(60)]
    let found = times.map { requests.next(at: start + $0) }
    #expect(found == [.stop, .sameAgain, .sameAgain, .stopAtOnce, .stopAtOnce])
  }

  @Test("each of several works in turn hears a signal", .timeLimit(.minutes(1)))
  func turns() async throws {
    for _ in 0..<20 {
      // One that ends by itself, right before the next one.
      try await untilSignal {}
      await #expect(throws: CancellationError.self) {
        try await untilSignal {
          // The first source is installed by another thread.
          try await Task.sleep(for: .milliseconds(20))
          kill(getpid(), SIGHUP)
          try await Task.sleep(for: .seconds(600))
        }
      }
    }
  }
}
