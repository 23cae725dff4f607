// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Toolbox

@Suite struct PromiseTests {
  @Test("all who wait get the first value, and so does who comes later")
  func first() async {
    let promise = Promise<Int?>()
    let sum = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { await promise.value ?? 0 } }
      group.addTask {
        await Task.yield()
        promise.fulfil(2)
        promise.fulfil(3)
        return 0
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 100)
    #expect(await promise.value == 2)
  }

  @Test("a promise of an optional can be fulfilled with nothing")
  func nothing() async {
    let promise = Promise<Int?>()
    promise.fulfil(nil)
    promise.fulfil(1)
    #expect(await promise.value == nil)
  }

  @Test("a task that is cancelled waits on, since the owner fulfils on every path")
  func cancelled() async {
    let promise = Promise<Int>()
    let waiter = Task { await promise.value }
    waiter.cancel()
    promise.fulfil(7)
    #expect(await waiter.value == 7)
  }
}
