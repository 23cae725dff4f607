// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Testing

@testable import Verdicts

@Suite("Failures that only the test driver's kind of exporter provokes")
struct OnlyOursTests {
  private let ours = "bounds/pbtest_plain/dma-buf-mmap"
  private let stock = "bounds/vgem/dma-buf-mmap"

  private func judged(_ answers: [TestStatus], reports: [(title: String, test: String?)] = []) -> Judgement {
    let names = [ours, stock]
    var series = guest(zip(names, answers).map { test($0, $1) })
    series.reports = reports.map { KernelReport(title: $0.title, kind: .warning, trace: [], test: $0.test) }
    return judge(
      candidate, trial: trial(.ran(series)), base: trial(.ran(guest(names.map { test($0, .ok) }))))
  }

  @Test("alone, they are neither a regression nor a pass")
  func alone() {
    let failed = judged([.notOk, .ok])
    #expect(failed.verdict == .inconclusive)
    #expect(
      failed.words == [
        "\(ours): ok on base, not-ok with the series; only our own driver does this: "
          + "no stock exporter here maps ordinary pages"
      ])
    let warned = judged([.ok, .ok], reports: [("WARNING in dma_buf_mmap", ours)])
    #expect(warned.verdict == .inconclusive)
    #expect(warned.words.first?.contains("only our own driver") == true)
  }

  @Test("next to a failure with a stock exporter, they are one more reason")
  func besideOthers() {
    let judgement = judged([.notOk, .notOk])
    #expect(judgement.verdict == .regresses)
    #expect(judgement.words.first?.hasPrefix(stock) == true)
    #expect(judgement.words.last?.contains("only our own driver") == true)
  }

  @Test("a report that also occurs with a stock exporter counts against the series", arguments: [0, 1])
  func reportedTwice(first: Int) {
    let tests = [ours, stock]
    let reports = [tests[first], tests[1 - first]].map { (title: "WARNING in dma_buf_mmap", test: Optional($0)) }
    let judgement = judged([.ok, .ok], reports: reports)
    #expect(judgement.verdict == .regresses)
    #expect(judgement.words == ["WARNING in dma_buf_mmap: kernel report in \(stock) that the base does not have"])
    #expect(judged([.ok, .ok], reports: [("WARNING in x", nil)]).verdict == .regresses)
  }

  @Test("they are recognized by their exporter")
  func names() {
    #expect(OnlyOurs.isAsked(by: "history/pbtest_plain-to-plain/merged-after-mmap"))
    #expect(!OnlyOurs.isAsked(by: "move/pbtest-to-vgem/one-buffer"))
    #expect(!OnlyOurs.isAsked(by: "bounds/pbtest/mmap-obj"))
    #expect(!OnlyOurs.isAsked(by: "pbtest_plain"))
  }
}
