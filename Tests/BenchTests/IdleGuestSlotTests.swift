// SPDX-License-Identifier: Apache-2.0

import Testing
import Toolbox

@testable import Bench

@Suite struct IdleGuestSlotTests {
  private let start = ContinuousClock.now

  /// Whether another guest would get a turn.
  private func isFree(_ turns: Capacity) -> Bool { turns.free > 0 }

  @Test func aQuietGuestsTurnIsLentAndTakenBack() async throws {
    let turns = Capacity(1)
    _ = try await turns.acquire()
    let idleSlot = IdleGuestSlot(turns, at: start)
    idleSlot.look(at: start + .seconds(29))
    #expect(!isFree(turns), "it may still boot")
    idleSlot.look(at: start + .seconds(30))
    #expect(isFree(turns))
    idleSlot.look(at: start + .seconds(60))
    _ = try await turns.acquire()
    #expect(!isFree(turns), "lent once")
    // It continues while another guest has its turn: no other guest gets one before both are done.
    idleSlot.heard(at: start + .seconds(61))
    idleSlot.look(at: start + .seconds(72))
    turns.release(1)
    #expect(!isFree(turns))
    idleSlot.end()
    turns.release(1)
    #expect(isFree(turns))
  }

  @Test func aTestIsWaitedForLessLongThanABoot() async throws {
    let turns = Capacity(1)
    _ = try await turns.acquire()
    let idleSlot = IdleGuestSlot(turns, at: start)
    idleSlot.heard(at: start + .seconds(5))
    idleSlot.look(at: start + .seconds(16))
    #expect(!isFree(turns))
    idleSlot.look(at: start + .seconds(17))
    #expect(isFree(turns))
  }

  @Test func whatWasLentIsBackWhenTheGuestIsGone() async throws {
    let turns = Capacity(2)
    for isQuiet in [true, false] {
      try await turns.with {
        let idleSlot = IdleGuestSlot(turns, at: start)
        await idleSlot.with { if isQuiet { idleSlot.look(at: start + .seconds(100)) } }
        // A slot that has ended lends nothing.
        idleSlot.look(at: start + .seconds(200))
      }
      #expect(turns.free == 2)
    }
  }
}
