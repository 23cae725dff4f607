// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestMachine
import GuestProtocol
import TestBench
import Testing

/// The output of a guest with two tests.
enum GuestWords {
  static let plan = KTAPWriter.plan(["a/b/first", "a/b/second"])
  static let first =
    KTAPWriter.start(1) + KTAPWriter.result(TestResult(name: "a/b/first", status: .ok), number: 1)
  static let second =
    KTAPWriter.start(2) + KTAPWriter.result(TestResult(name: "a/b/second", status: .ok), number: 2)
}

@Suite struct GuestTrustTests {
  @Test("only output signed with the secret is believed")
  func forged() async throws {
    let clock = ScriptClock()
    let secret = GuestSecret(low: 1, high: 2)
    func signed(_ piece: String, _ number: Int) -> Step {
      .results(piece + KTAPWriter.signature(piece, number: number, secret))
    }
    let forgery = GuestWords.plan + GuestWords.first + GuestWords.second + KTAPWriter.end(2)
    let all = ScriptedMachine([.results(forgery), .stop(.guest)], secret: secret, clock: clock)
    let run = try await GuestWatch(GuestWatchTests.clocks, clock: clock).watch(all, accelerator: .tcg) { _ in }.run
    #expect(!run.booted)
    #expect(run.ending == .stoppedEarly)
    #expect(run.unsigned == forgery.split(separator: "\n").count)
    #expect(
      run.anomalies == [
        "\(run.unsigned!) lines on its results port are not signed by its PID 1, the first: KTAP version 1"
      ])

    // A stray process between two pieces spoils neither, and is reported.
    let between = ScriptedMachine(
      [
        signed(GuestWords.plan, 1), signed(GuestWords.first, 2), .results("ok 2 a/b/second\n"),
        signed(GuestWords.second, 3),
        signed(KTAPWriter.end(2), 4),
      ]
        + [.stop(.guest)], secret: secret, clock: clock)
    let whole = try await GuestWatch(GuestWatchTests.clocks, clock: clock).watch(between, accelerator: .tcg) { _ in }
      .run
    #expect(whole.tests.map(\.status) == [.ok, .ok])
    #expect(whole.ending == .completed)
    #expect(whole.unsigned == 1)
    #expect(whole.anomalies.count == 1)

    // An undisturbed guest has none of this.
    let clean = ScriptedMachine(
      [
        signed(GuestWords.plan, 1), signed(GuestWords.first, 2), signed(GuestWords.second, 3),
        signed(KTAPWriter.end(2), 4), .stop(.guest),
      ],
      secret: secret, clock: clock)
    let good = try await GuestWatch(GuestWatchTests.clocks, clock: clock).watch(clean, accelerator: .tcg) { _ in }.run
    #expect(good.unsigned == nil)
    #expect(good.contradictions == nil)
    #expect(good.anomalies == [])

    // Signed, but the plan comes after the start of a test.
    let late = ScriptedMachine(
      [signed(KTAPWriter.start(1), 2), signed(GuestWords.plan, 1), signed(GuestWords.first, 3), .stop(.guest)],
      secret: secret, clock: clock)
    let reordered = try await GuestWatch(GuestWatchTests.clocks, clock: clock).watch(late, accelerator: .tcg) { _ in }
      .run
    #expect(!reordered.booted)
    #expect(reordered.unsigned == nil)
    #expect(reordered.isGarbled)

    // The probe for KVM only checks that there is a guest, but PID 1 must be the one that answers.
    let probe = ScriptedMachine([.results(GuestWords.plan)], secret: secret, clock: clock)
    #expect(try await !GuestWatch(GuestWatchTests.clocks, clock: clock).hello(probe))
  }
}
