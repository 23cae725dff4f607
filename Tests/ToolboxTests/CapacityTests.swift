// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Toolbox

@Suite struct CapacityTests {
  @Test func neverMoreIsLentThanThereIs() async throws {
    let capacity = Capacity(10)
    let lent = Tally()
    try await withThrowingTaskGroup { group in
      for number in 0..<200 {
        group.addTask {
          try await capacity.with(number % 7 + 1) {
            #expect(await lent.add(number % 7 + 1) <= 10)
            try await Task.sleep(for: .microseconds(number % 5 * 100))
            _ = await lent.add(-(number % 7 + 1))
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(capacity.peak <= 10)
    #expect(capacity.peak >= 7, "one alone takes that much")
    // All units are free again.
    #expect(try await capacity.acquire(10) == 10)
  }

  @Test func whoWantsMoreThanThereIsRunsAlone() async throws {
    let capacity = Capacity(3)
    let taken = try await capacity.acquire(100)
    #expect(taken == 3)
    capacity.release(taken)
    #expect(try await capacity.acquire(1) == 1)
  }

  @Test func nobodyIsPassedOver() async throws {
    let capacity = Capacity(2)
    let first = try await capacity.acquire(1)
    let order = Tally()
    try await withThrowingTaskGroup { group in
      group.addTask { try await capacity.with(2) { await order.note("large") } }
      // Until the large request waits.
      while capacity.waiting == 0 { await Task.yield() }
      group.addTask { try await capacity.with(1) { await order.note("small") } }
      while capacity.waiting == 1 { await Task.yield() }
      #expect(await order.words.isEmpty, "there is a unit free, but the large one was first")
      capacity.release(first)
      try await group.waitForAll()
    }
    #expect(await order.words == ["large", "small"])
  }

  @Test func whoIsCancelledTakesNothingAndHoldsUpNobody() async throws {
    let capacity = Capacity(2)
    let first = try await capacity.acquire(1)
    let large = Task { try await capacity.acquire(2) }
    while capacity.waiting == 0 { await Task.yield() }
    let small = Task { try await capacity.acquire(1) }
    while capacity.waiting == 1 { await Task.yield() }
    large.cancel()
    await #expect(throws: CancellationError.self) { _ = try await large.value }
    #expect(try await small.value == 1)
    capacity.release(first)
    capacity.release(1)
    #expect(try await capacity.acquire(2) == 2)
  }

  @Test func aCancelledTaskDoesNotBegin() async throws {
    let capacity = Capacity(1)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await capacity.acquire()
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    #expect(try await capacity.acquire() == 1)
  }
}

/// Records events in order.
private actor Tally {
  private(set) var words: [String] = []
  private var sum = 0

  func note(_ word: String) { words.append(word) }
  func add(_ amount: Int) -> Int {
    sum += amount
    return sum
  }
}
