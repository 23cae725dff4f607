// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import GuestMachine

private let holding = Step.results(GuestHold.line + "\n")
private let refused = LibvirtError(call: "a call", code: 1, message: "no")

@Suite struct SavedGuestTests {
  let scratch: Scratch
  let clock = ScriptClock()
  let spec: MachineSpec

  init() throws {
    scratch = try Scratch()
    spec = MachineSpec(
      name: "patchbench-1", .x86, accelerator: .tcg, kernel: "/k/vmlinux", initramfs: "/k/initramfs.cpio",
      commandLine: KernelCommandLine(GuestOptions(), for: .x86), console: scratch.path.appending("boot.log"),
      results: scratch.path.appending("boot.ktap"))
  }

  private var watch: GuestWatch<ScriptClock> { GuestWatch(GuestWatchTests.clocks, clock: clock) }
  private var states: FilePath { scratch.path.appending("states") }
  /// The remaining state files.
  private var left: [String] { (try? FileManager.default.contentsOfDirectory(atPath: states.string)) ?? [] }

  private func files(_ name: String) -> (console: FilePath, results: FilePath) {
    (scratch.path.appending("\(name).log"), scratch.path.appending("\(name).ktap"))
  }

  /// Boots with this script, and lets one guest be restored.
  private func one(
    _ boot: [Step], refusingToSave save: SavedGuestError? = nil, refusingToRestore restore: SavedGuestError? = nil
  ) async throws {
    let host = ScriptedHost([boot], clock: clock, refusingToSave: save, refusingToRestore: restore)
    try await host.withSavedGuest(spec, directory: states, watch: watch) { saved in
      let files = files("one")
      try await saved.withMachine(GuestOptions(), console: files.console, results: files.results) { _ in }
    }
  }

  @Test func eachGuestGetsItsOwnOrdersAndTheConsoleOfTheBoot() async throws {
    let host = ScriptedHost([[.pass(.seconds(5)), holding]], clock: clock)
    let (first, second) = (files("first"), files("second"))
    let seconds = try await host.withSavedGuest(spec, directory: states, watch: watch) { saved in
      #expect(left.count == 1)
      for (only, files) in [(["a/b/c"], first), (["d/e/f"], second)] {
        try Data("old".utf8).write(to: URL(filePath: files.results.string))
        try Data("old".utf8).write(to: URL(filePath: files.console.string))
        try await saved.withMachine(
          GuestOptions(only: only, testSeconds: 9), console: files.console, results: files.results
        ) { _ in
          let results = try Data(contentsOf: URL(filePath: files.results.string))
          #expect(results.isEmpty)
        }
      }
      return saved.seconds
    }
    #expect(seconds == 5)
    #expect(left == [])

    let calls = host.calls
    try #require(calls.count == 7)
    guard case .started(let boot) = calls[0], case .saved = calls[1], calls[2] == .ended,
      case .restored(let one, let oneOrders, let oneConsole) = calls[3], calls[4] == .ended,
      case .restored(let two, let twoOrders, let twoConsole) = calls[5], calls[6] == .ended
    else {
      Issue.record("\(calls)")
      return
    }
    #expect(GuestOptions(commandLine: boot.commandLine.text).hold)
    #expect([oneOrders, twoOrders].map { $0.hasSuffix("\n") } == [true, true])
    // Each has its own secret, and the boot, whose memory is saved, has none.
    #expect(boot.secret == nil)
    for (spec, orders) in [(one, oneOrders), (two, twoOrders)] {
      #expect(spec.secret != nil)
      #expect(GuestSecret.cut(off: Array(orders.utf8.dropLast())).secret == spec.secret)
    }
    #expect(one.secret != two.secret)
    #expect(GuestOptions(commandLine: oneOrders) == GuestOptions(only: ["a/b/c"], testSeconds: 9))
    #expect(GuestOptions(commandLine: twoOrders) == GuestOptions(only: ["d/e/f"], testSeconds: 9))
    #expect([oneConsole, twoConsole] == ["the boot's console\n", "the boot's console\n"])
    #expect([one.console, one.results, two.console] == [first.console, first.results, second.console])
    // libvirt compares everything else.
    var same = [boot, one, two]
    for index in same.indices {
      same[index].console = ""
      same[index].results = ""
      same[index].hold?.orders = ""
      same[index].secret = nil
    }
    #expect(Set(same).count == 1)
  }

  @Test(
    arguments: [
      ([], .silent(seconds: 20)),
      ([.chatter], .bootDeadline(seconds: 30)),
      ([.stop(.guest)], .stoppedEarly),
      ([.console("Kernel panic - not syncing: x\n"), .stop(.guest)], .panicked("Kernel panic - not syncing: x")),
      // A part of the line, and a guest that knows nothing about holding.
      ([.results("# patchbench: hold"), .stop(.guest)], .stoppedEarly),
      ([.results(KTAPWriter.plan([])), holding, .stop(.emulator("gone"))], .machineDied("gone")),
    ] as [([Step], GuestEnding)])
  func aGuestThatNeverHoldsIsAnErrorThatSaysHowItEnded(_ row: (boot: [Step], ending: GuestEnding)) async throws {
    await #expect(throws: SavedGuestError.neverHeld(row.ending)) { try await one(row.boot) }
    #expect(left == [])
  }

  @Test func theLineMayComeByteByByteAndMoreBehindIt() async throws {
    try await one((GuestHold.line + "\nmore").map { .results(String($0)) })
    try await one([.results(GuestHold.line + "\nmore")])
  }

  @Test func whatLibvirtRefusesIsAnErrorAndLeavesNothing() async throws {
    await #expect(throws: SavedGuestError.notSaved(refused)) {
      try await one([holding], refusingToSave: .notSaved(refused))
    }
    await #expect(throws: SavedGuestError.notRestored(refused)) {
      try await one([holding], refusingToRestore: .notRestored(refused))
    }
    #expect(left == [])
  }

  @Test func ordersAreBounded() async throws {
    let host = ScriptedHost([[holding]], clock: clock)
    let files = files("long")
    let fits = GuestHold.longestOrders - GuestOptions(only: [""]).orders(.random()).utf8.count
    try await host.withSavedGuest(spec, directory: states, watch: watch) { saved in
      let name = String(repeating: "x", count: fits)
      try await saved.withMachine(GuestOptions(only: [name]), console: files.console, results: files.results) { _ in }
      await #expect(throws: SavedGuestError.ordersTooLong(bytes: GuestHold.longestOrders + 1)) {
        try await saved.withMachine(
          GuestOptions(only: [name + "x"]), console: files.console, results: files.results
        ) { _ in Issue.record("it was started") }
      }
    }
    #expect(
      host.calls.contains { if case .restored(_, let orders, _) = $0 { orders.utf8.count == 32768 } else { false } })
  }

  @Test func guestsOfOneStateRunOneAfterAnother() async throws {
    let host = ScriptedHost([[holding]], clock: clock)
    try await host.withSavedGuest(spec, directory: states, watch: watch) { saved in
      try await withThrowingTaskGroup { group in
        for number in 1...4 {
          let files = files("\(number)")
          group.addTask {
            try await saved.withMachine(GuestOptions(), console: files.console, results: files.results) { _ in
              for _ in 0..<50 { await Task.yield() }
            }
          }
        }
        try await group.waitForAll()
      }
    }
    let calls = host.calls
    let ends = calls.indices.filter { calls[$0] == .ended }
    #expect(ends == [2, 4, 6, 8, 10])
    #expect(calls.count == 11)
  }

  @Test func whoIsCancelledWhileHeWaitsIsNeverStarted() async throws {
    let host = ScriptedHost([[holding]], clock: clock)
    let (running, waiting) = (files("running"), files("waiting"))
    try await host.withSavedGuest(spec, directory: states, watch: watch) { saved in
      try await saved.withMachine(GuestOptions(), console: running.console, results: running.results) { _ in
        let second = Task {
          try await saved.withMachine(GuestOptions(), console: waiting.console, results: waiting.results) { _ in
            Issue.record("it was started")
          }
        }
        for _ in 0..<50 { await Task.yield() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
      }
      // The turn is free again.
      try await saved.withMachine(GuestOptions(), console: waiting.console, results: waiting.results) { _ in }
    }
    #expect(left == [])
  }

  @Test func cancellationOfTheBootLeavesNothing() async throws {
    let host = ScriptedHost([[.chatter]], clock: clock)
    let patient = GuestWatch(
      GuestClocks(boot: .seconds(1 << 40), silence: .seconds(1 << 40), run: .seconds(1 << 40)), clock: clock)
    let task = Task {
      try await host.withSavedGuest(spec, directory: states, watch: patient) { _ in Issue.record("it held") }
    }
    while host.calls.isEmpty { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(left == [])
    #expect(host.calls.last == .ended)
  }
}
