// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Testing
import Toolbox

@Suite struct LockedTests {
  @Test func oneAtATimeReachesTheValue() {
    let sum = Locked(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<10_000 { sum.withLock { $0 += 1 } }
    }
    #expect(sum.withLock { $0 } == 80_000)
  }

  @Test func whatFailsInsideLetsTheLockGo() {
    let value = Locked("before")
    #expect(throws: CancellationError.self) {
      try value.withLock { value in
        value = "after"
        throw CancellationError()
      }
    }
    #expect(value.withLock { $0 } == "after")
  }
}
