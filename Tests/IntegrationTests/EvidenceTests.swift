// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestProtocol
import SystemPackage
import Testing
import Verdicts

extension BenchSerial {
  /// The evidence for verdicts, on real kernels.
  @Suite(.serialized) struct Evidence {
    @Test("code that ran is counted, changed results are rerun in restored guests, and the same code is not booted")
    func evidence() async throws {
      let bench = try Workbench()
      let series = [
        "candidates/pin-dma-buf-for-mapping", "examples/unreached-code", "seeded/harmless/gem-comments",
        "examples/third-of-four",
      ]
      var plan = try bench.plan(series.map(Workbench.series), output: "run", fresh: true)
      plan.choices.tests = [
        "counts/vgem-to-vkms/mmap-munmap", "errors/pbtest-to-pbtest/bounds", "forward/vgem-to-vkms/*",
      ].map(NamePattern.init)
      plan.retryPolicy.retries = 2
      let (record, directory) = try await bench.run(plan)
      let judgements = Dictionary(uniqueKeysWithValues: judge(record).map { ($0.series.name, $0) })
      #expect(record.header.only?.count == 5)

      let pin = try #require(judgements["pin-dma-buf-for-mapping"])
      #expect(pin.verdict == .regresses, "\(pin.reasons)")
      let counts = try #require(pin.tests.first { $0.name == "counts/vgem-to-vkms/mmap-munmap" })
      #expect(counts.change == .regressed)
      #expect(counts.baseTries == Tries(ok: 3, of: 3))
      #expect(counts.seriesTries == Tries(ok: 0, of: 3))
      // The base's time for the reruns is part of the series' cost.
      #expect((pin.trial?.seconds[.base] ?? 0) > 0)
      // An emulated guest is restored from one that had booted, and says that it continues from there.
      if record.header.accelerator == .tcg {
        for evidence in [directory.evidence(nil), directory.evidence(pin.series.name)] {
          for number in 1...2 {
            let console = try String(
              contentsOfFile: evidence.appending("console-again-\(number).log").string, encoding: .utf8)
            #expect(console.contains("patchbench: holds no longer"), "\(evidence) \(number)")
            #expect(console.contains("Linux version "))
          }
        }
      }
      guard case .ran(let run) = pin.trial?.result, let change = pin.trial?.change else {
        Issue.record("\(pin.reasons)")
        return
      }
      #expect(change.pieces.map(\.name) == ["dma_buf_mmap"])
      let runs = try #require(run.execution?.runs["dma_buf_mmap"])
      #expect(runs.keys.sorted() == run.tests.map(\.name).sorted())
      #expect(run.execution?.failure == nil)

      let unreached = try #require(judgements["unreached-code"])
      #expect(unreached.verdict == .inconclusive)
      // The function is named, and each of its changed lines with its place and its text.
      #expect(unreached.reasons.first?.subject == "drm_gem_shmem_pin()")
      let named = unreached.reasons.dropFirst()
      #expect(named.allSatisfy { $0.subject?.hasPrefix("drivers/gpu/drm/drm_gem_shmem_helper.c:") == true }, "\(named)")
      #expect(named.contains { $0.text.contains("dma_resv_lock(shmem->base.resv, NULL);") }, "\(named)")

      let comments = try #require(judgements["gem-comments"])
      #expect(comments.verdict == .clean)
      #expect(comments.trial?.result == .sameCode)
      #expect(comments.trial?.seconds[.boot] == nil)

      // Of four patches, the third is to blame.
      let four = try #require(judgements["third-of-four"])
      #expect(four.verdict == .regresses, "\(four.reasons)")
      #expect(
        four.trial?.culprits == [
          Culprit(number: 3, lastGood: 2, test: "errors/pbtest-to-pbtest/bounds", alike: 0)
        ])
      #expect(
        four.reasons.first?.description
          == "patch 3 of 4: “dma-buf: refuse every mapping beyond the buffer alike” brings it: "
          + "errors/pbtest-to-pbtest/bounds")
      #expect(four.trial?.patchTests?.breaks == nil)
      let searched = try FileManager.default.contentsOfDirectory(atPath: directory.evidence(four.series.name).string)
      #expect(searched.filter { $0.hasPrefix("patch-") }.sorted() == ["patch-2", "patch-3"])
    }

    @Test("a series that breaks bisection is told so, and keeps its verdict", arguments: [EachPatch.build, .test])
    func bisection(_ choice: EachPatch) async throws {
      let bench = try Workbench()
      // Without all tests after each patch, the search is as in the test above.
      let series = ["examples/cured-by-the-second"] + (choice == .test ? ["examples/third-of-four"] : [])
      var plan = try bench.plan(series.map(Workbench.series), output: "run", fresh: true)
      let bounds = "errors/pbtest-to-pbtest/bounds"
      plan.choices.tests = [bounds, "forward/vgem-to-vkms/*"].map(NamePattern.init)
      plan.choices.eachPatch = choice
      plan.retryPolicy.retries = 1
      let (record, directory) = try await bench.run(plan)
      let judgements = Dictionary(uniqueKeysWithValues: judge(record).map { ($0.series.name, $0) })

      let cured = try #require(judgements["cured-by-the-second"])
      #expect(cured.verdict == .clean, "\(cured.reasons)")
      let tests = try #require(cured.trial?.patchTests)
      #expect(tests.isWhole == (choice == .test))
      let symptom = BisectionBreak.Symptom(kind: .test, name: bounds)
      #expect(
        tests.breaks == [BisectionBreak(number: 1, lastGood: 0, lastBad: 1, cure: 2, symptom: symptom)], "\(tests)")
      #expect(
        tests.breaks.first?.words(in: cured.series)
          == "patch 1 of 2, “dma-buf: allow to map a partial last page”, breaks \(bounds); patch 2 cures it")
      // It was believed only after another guest of the same kernel had said the same.
      let again = directory.evidence(cured.series.name).appending("patch-1").appending("results-again-1.ktap")
      #expect(FileManager.default.fileExists(atPath: again.string))
      #expect((cured.trial?.seconds[.blame] ?? 0) > 0)

      // If all tests ran after each patch, the culprit is known without a search.
      if choice == .build { return }
      let four = try #require(judgements["third-of-four"])
      #expect(four.trial?.culprits == [Culprit(number: 3, lastGood: 2, test: bounds, alike: 0)])
      #expect(four.trial?.patchTests?.breaks == [])
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.evidence(four.series.name).string)
      let patches = names.filter { $0.hasPrefix("patch-") }.sorted()
      #expect(patches == ["patch-1", "patch-2", "patch-3"])
    }
  }
}
