// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import MutantRun
import Mutation
import SystemPackage
import TestSupport
import Testing
import Verdicts

extension BenchSerial {
  /// Mutants of a real kernel, judged in real guests.
  @Suite(.serialized) struct Mutants {
    /// One mutant that every forwarded mapping notices, and one that compiles to the same code.
    @Test func oneIsKilledEarlyAndOneIsTheSameCode() async throws {
      let bench = try Workbench()
      let base = try await bench.base()
      let search = try CandidateSearch(base, environment: bench.environment, scratch: bench.scratch.path)
      let file = "drivers/dma-buf/dma-buf.c"
      let names: Set<String> = ["dma_buf_mmap", "dma_buf_llseek", "gone"]
      let found = try #require(try await search.mutants(of: file, functions: names))
      #expect(found.functions == ["dma_buf_mmap", "dma_buf_llseek"])
      // The bounds, the file, the offset, the call. With fewer mutants, the function would not have been understood.
      #expect(found.mutants.count >= 25)
      let killed = try #require(found.mutants.first { $0.before == "vma_set_file(vma, dmabuf->file);" })
      // The offset is 0 there, so the code is the same.
      let same = try #require(found.mutants.first { $0.after == "return base - offset;" })

      var plan = try bench.plan([Workbench.series("candidates/swap-by-hand")], output: "mutants")
      plan.series = []
      // One test that notices the mutant, followed by one that does not.
      plan.choices.tests = [NamePattern("forward/vgem-to-vkms/vm-file"), NamePattern("selfimport/vgem/*")]
      let list = try FunctionList(yaml: "- file: \(file)\n  functions:\n    dma_buf_mmap: forwards\n", name: "list")
      let run = MutantRun(plan, list: list, sinks: [])
      let (directory, mutants) = try await run.begin(
        [killed, same], of: [file: found.source], candidates: found.mutants.count, seed: 1)
      #expect(MutantPlan(in: directory.path) == mutants)
      #expect(try await run.goOn(in: directory, mutants) == false)

      let report = try MutantRun.report(
        directory, mutants,
        arguments: MutantArguments(
          equivalent: EquivalentMutants(yaml: "", name: "none"), unreachable: UnreachableLines(yaml: "", name: "none")))
      let fates = Dictionary(uniqueKeysWithValues: report.mutants.map { ($0.mutant.id, $0) })
      #expect(fates[killed.id]?.fate == .killed, "\(fates[killed.id]?.reason ?? "")")
      #expect(fates[same.id]?.fate == .sameCode, "\(fates[same.id]?.reason ?? "")")
      #expect(report.ofValid?.count == 1)
      #expect(report.ofValid?.of == 1)
      // A fresh guest confirmed the only test that noticed it.
      let record = try #require(try directory.record())
      let trial = try #require(record.trials[killed.id])
      guard case .test(let name, _)? = trial.cutShort, case .ran(let guest) = trial.result else {
        Issue.record("\(trial)")
        return
      }
      #expect(trial.again?.map { $0.map(\.name) } == [[name]])
      #expect(trial.baseAgain?.map { $0.map(\.status) } == [[.ok]])
      // Tests that do not run the line did not run.
      #expect(guest.tests.map(\.status) == [.notOk])
      let reach = try #require(BaseReach(in: directory))
      #expect(reach.tests["dma_buf_mmap"] == ["forward/vgem-to-vkms/vm-file"])
      let lines = try #require(reach.lines)
      #expect(lines.contains { $0.line.number == killed.line && $0.tests == ["forward/vgem-to-vkms/vm-file"] })
      #expect(record.trials[same.id]?.seconds[.boot] == nil)

      // Finished mutants stay as they are, and a new run reuses cached results.
      #expect(try await run.goOn(in: directory, mutants) == false)
      #expect(try directory.record() == record)
      plan.place.output = bench.scratch.path.appending("again")
      let other = MutantRun(plan, list: list, sinks: [])
      let (second, drawn) = try await other.begin([same, killed], of: [file: found.source], candidates: 2, seed: 2)
      #expect(try await other.goOn(in: second, drawn) == false)
      let kept = try #require(try second.record())
      #expect(kept.trials.values.filter(\.reused).count == 2)
      #expect(kept.trials[killed.id]?.cutShort == trial.cutShort)
    }
  }
}
