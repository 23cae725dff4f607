// SPDX-License-Identifier: Apache-2.0

import Testing
import Toolbox

@Suite struct ConcurrentMapTests {
  @Test(arguments: [1, 2, 3, 100]) func valuesKeepTheOrderAndNoMoreRunThanMay(_ limit: Int) async throws {
    let running = Locked((now: 0, most: 0))
    let values = try await (0..<20).concurrentMap(limit: limit) { number in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      // The first elements take longest.
      try await Task.sleep(for: .milliseconds(20 - number))
      running.withLock { $0.now -= 1 }
      return number * number
    }
    #expect(values == (0..<20).map { $0 * $0 })
    #expect(running.withLock { $0.most } <= limit)
  }

  @Test func nothingComesOfNothing() async throws {
    #expect(try await [Int]().concurrentMap(limit: 0) { $0 } == [])
  }

  @Test(.timeLimit(.minutes(15))) func severalRunAtTheSameTime() async throws {
    // Each of the two waits for the other.
    let arrived = Locked(0)
    _ = try await [1, 2].concurrentMap(limit: 2) { _ in
      arrived.withLock { $0 += 1 }
      while arrived.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(1)) }
    }
    #expect(arrived.withLock { $0 } == 2)
  }

  @Test(.timeLimit(.minutes(15))) func anErrorCancelsTheOthers() async throws {
    struct Broken: Error {}
    let cancelled = Locked(0)
    await #expect(throws: Broken.self) {
      _ = try await (0..<4).concurrentMap(limit: 2) { number in
        if number == 1 { throw Broken() }
        do { try await Task.sleep(for: .seconds(600)) } catch {
          cancelled.withLock { $0 += 1 }
          throw error
        }
      }
    }
    #expect(cancelled.withLock { $0 } == 1)
  }
}
