// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import GuestProtocol
import KernelBuild
import SeriesIntake
import SystemPackage
import TestBench
import TestSupport
import Testing

@testable import Bench

@Suite("The order of a trial") struct OrderTests {
  private let scratch = try! Scratch()

  private func order() throws -> TrialOrder {
    let plan = RunPlan(
      target: RunTarget(
        kernel: KernelDefinition(name: "k", source: .tree("/nowhere"), profiles: [:]),
        profile: KernelDefinition.Profile(
          name: "p", fragments: [], image: .vmlinux, clocks: KernelDefinition.Clocks(), extent: .boot),
        connection: nil, accelerator: .tcg),
      series: [],
      choices: RunChoices(
        tests: [], fresh: true, keepsMemory: true, stopsAtFirst: false, accepted: [], executor: .process),
      retryPolicy: .standard, limits: RunLimits(resources: Resources(jobs: 1, memory: 1024), sandbox: Sandbox(jobs: 1)),
      checkout: Checkout(home: "/nowhere", version: "test", suite: .scripted(in: "/nowhere")),
      place: RunPlace(
        cache: try Cache(scratch.path.appending("cache")), output: nil, results: "results", environment: [:]),
      purpose: .verdicts)
    return TrialOrder(
      plan, asked: AskedTests(names: ["a/b/c"], isPart: true),
      clocks: TrialClocks(KernelDefinition.Clocks(boot: 20), .tcg, boot: nil),
      conditions: RunConditions(
        program: "1", base: "2", driver: "3", guestBinary: "4", emulator: "5", accelerator: .tcg,
        devices: []))
  }

  private func series() async throws -> (ReadSeries, TrialOrder) {
    try scratch.write("evidence/0001.diff", "a diff\n")
    let one = ReadSeries(
      series: PatchSeries(
        name: "s", patches: [Patch(subject: "x", author: "a", file: "0001-x.patch", paths: ["x.c"])]),
      diffs: [scratch.path.appending("elsewhere/0001.diff")])
    let order = try order()
    let base = Trial(series: nil, cell: order.rules.cell, seconds: StageSeconds(), reused: false, result: .built)
    return (one, try await order.of(one, in: scratch.path.appending("evidence"), base: base))
  }

  @Test("an order is read back as it was written")
  func roundTrip() async throws {
    let (_, order) = try await series()
    let file = scratch.path.appending("order.json")
    try order.write(to: file)
    let text = try Data(contentsOf: URL(filePath: file.string))
    let again = try TrialOrder(file)
    #expect(try TrialOrder.encoder.encode(again) + [0x0a] == text)
    #expect(again.series?.diffs.first?.path == scratch.path.appending("evidence/0001.diff").string)
    #expect(again.base?.result == .built)
    #expect(again.guests.clocks.guest.boot == order.guests.clocks.guest.boot)
  }

  @Test("a file that is not an order, or is from a newer patchbench, is reported")
  func unreadable() throws {
    let file = try scratch.write("order.json", "{\"format\": 2}")
    #expect(throws: OrderError.newer(path: file.string, format: 2)) { try TrialOrder(file) }
    try scratch.write("order.json", "{\"form\": 1}")
    #expect(throws: OrderError.unreadable(path: file.string, reason: "it is not an order")) { try TrialOrder(file) }
    let gone = scratch.path.appending("gone.json")
    #expect(throws: OrderError.self) { try TrialOrder(gone) }
  }

  private func run(_ order: TrialOrder, output: FilePath) async throws {
    _ = try await order.run(
      checkout: Checkout(home: "/nowhere", version: "test", suite: .scripted(in: "/nowhere")),
      place: RunPlace(
        cache: try Cache(scratch.path.appending("cache")), output: nil, results: "results", environment: [:]),
      resources: Resources(jobs: 1, memory: 1024), output: output, sinks: [])
  }

  @Test("an order whose diff is missing or has changed does not run")
  func otherDiff() async throws {
    let (_, order) = try await series()
    let path = try scratch.write("evidence/0001.diff", "another\n")
    await #expect(throws: OrderError.noDiff(path: path.string)) {
      try await run(order, output: scratch.path.appending("out"))
    }
    try FileManager.default.removeItem(atPath: path.string)
    await #expect(throws: OrderError.noDiff(path: path.string)) {
      try await run(order, output: scratch.path.appending("out"))
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.path.appending("out").string))
  }

  @Test("an order overwrites nothing")
  func notEmpty() async throws {
    let (_, order) = try await series()
    try scratch.write("out/somebody's", "")
    let output = scratch.path.appending("out")
    await #expect(throws: OrderError.notEmpty(path: output.string)) { try await run(order, output: output) }
  }
}
