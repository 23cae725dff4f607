// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import SystemPackage
import TestSupport
import Testing
import Toolbox
import Verdicts

@testable import Bench

@Suite("What is told while a guest runs")
struct FirstNewsTests {
  private let scratch = try! Scratch()

  private final class Heard: EventSink {
    let list = Locked<[String]>([])
    func take(_ event: BenchEvent) {
      guard case .worse(let series, let subject, let words, let isConfirmed) = event.kind else { return }
      list.withLock { $0.append("\(series) \(isConfirmed) \(subject): \(words)") }
    }
  }

  @Test("the first test that gets worse is told, and each new kernel report, once")
  func once() async throws {
    let heard = Heard()
    let record = scratch.path.appending("events.jsonl")
    let events = EventHub(try EventRecorder(record), [heard])
    let base = GuestRun(
      release: nil, accelerator: .tcg, ending: .completed, booted: true,
      tests: ["a", "b", "c"].map { TestResult(name: $0, status: .ok) },
      reports: [KernelReport(title: "WARNING in old", kind: .warning, trace: [], test: nil)], anomalies: [],
      lastLines: [])
    let news = FirstNews("s", BaseAnswers(base, known: [], isStrict: false), events)
    let (old, new) = (
      base.reports[0], KernelReport(title: "KASAN: in new", kind: .kasan, trace: [], test: "b")
    )
    news.booted()
    news.hear(TestResult(name: "a", status: .ok), [old])
    #expect(news.seconds == nil)
    news.hear(TestResult(name: "b", status: .crash, reason: "killed"), [old])
    #expect(news.seconds != nil)
    news.hear(nil, [old, new])
    news.hear(TestResult(name: "c", status: .notOk), [old, new])
    await events.drain()
    #expect(
      heard.list.withLock { $0 } == [
        "s false b: ok on base, crash (killed)",
        "s false KASAN: in new: kernel report in b that the base does not have",
      ])
    // It is shown and not recorded.
    #expect(try EventRecord.read(record).isEmpty)
  }
}
