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

  /// In a process of its own: all tests of this process would hear the signals.
  @Test("each of several works in turn hears a signal")
  func turns() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<20 {
        // One that ends by itself, right before the next one.
        try await untilSignal {}
        await #expect(throws: CancellationError.self) {
          try await untilSignal {
            // The first source is installed by another thread, so the first signals may be ignored.
            for _ in 0..<600 {
              kill(getpid(), SIGHUP)
              try await Task.sleep(for: .milliseconds(20))
            }
          }
        }
      }
    }
  }

  @Test("a signal between two works ends the next one")
  func between() async {
    await #expect(processExitsWith: .success) {
      await #expect(throws: CancellationError.self) {
        // Until the sources are there, a signal is ignored.
        try await untilSignal {
          for _ in 0..<600 {
            kill(getpid(), SIGHUP)
            try await Task.sleep(for: .milliseconds(20))
          }
        }
      }
      try await untilSignal {}
      kill(getpid(), SIGHUP)
      try await Task.sleep(for: .milliseconds(200))
      await #expect(throws: CancellationError.self) {
        try await untilSignal { try await Task.sleep(for: .seconds(20)) }
      }
      // It was one request.
      try await untilSignal { try await Task.sleep(for: .milliseconds(20)) }
    }
  }
}
