// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import Reports
import SystemPackage
import TestSupport
import Testing
import Toolbox
import Verdicts

/// The main job, on real kernels. All of it is in one serialized suite: if a guest shares two CPUs with another
/// kernel's build, it is too slow for its time limits.
@Suite(.serialized) struct BenchSerial {
  @Suite(.serialized) struct Candidates {
    @Test func everySeriesIsJudgedAsItsCoverLetterSays() async throws {
      let bench = try Workbench()
      let base = try await bench.base()
      let before = try await fingerprint(base.tree)
      // It leaks dma-bufs, and each test lists all of them: all tests take up to the run's limit of 15 minutes.
      let leaks = "candidates/pin-dma-buf-for-mapping"
      let candidates = try FileManager.default.contentsOfDirectory(atPath: Workbench.series("candidates")).sorted()
        .map { "candidates/\($0)" }.filter { $0 != leaks }
      let (record, directory) = try await bench.run(
        bench.plan(candidates.map(Workbench.series), output: "candidates", fresh: true))
      // An example shows one thing, and these tests see it. A slow machine takes minutes for all tests of one series.
      var plan = try bench.plan(["examples", leaks].map(Workbench.series), output: "examples", fresh: true)
      plan.choices.tests = [
        "forward/*-to-vgem/*", "errors/*", "counts/*-to-vgem/mmap-munmap", "move/pbtest-to-vgem/one-buffer",
        "invalidate/*",
      ].map(NamePattern.init)
      let (examples, examplesDirectory) = try await bench.run(plan)
      let judgements = judge(record) + judge(examples)

      #expect(judgements.count >= 8)
      for judgement in judgements {
        let expected = try #require(
          expectedVerdict(judgement.series.cover?.body), "\(judgement.series.name) says what it expects")
        #expect(judgement.verdict == expected, "\(judgement.series.name): \(judgement.reasons)")
      }
      // Every verdict occurs on a real kernel.
      #expect(Set(judgements.map(\.verdict)) == Set(Verdict.allCases))
      #expect(ExitStatus.of(judgements, interrupted: record.interrupted || examples.interrupted) == 3)
      // If the test driver does not build, its tests quote the compiler's error, and nothing replaces them.
      let renamed = try #require(judgements.first { $0.series.name == "rename-node-unmap" })
      let silent = renamed.tests.filter { $0.series == .skip }
      #expect(
        silent.contains { $0.name == "move/pbtest-to-vgem/one-buffer" && $0.base == .ok && $0.change == .missing })
      #expect(silent.allSatisfy { $0.reason.contains("drm_vma_node_unmap") }, "\(silent.map(\.reason))")
      try aDeathIsNotTheEnd(#require(judgements.first { $0.series.name == "panic-without-mmap" }), examplesDirectory)
      #expect(try await fingerprint(base.tree) == before, "a series wrote to the base")

      // The line that did not run is named with its text, and the line next to it, which ran, is not named.
      let half = try #require(judgements.first { $0.series.name == "one-line-of-two" })
      #expect(half.reasons.count == 1 && half.reasons[0].text.contains("`return -ENODEV;`"), "\(half.reasons)")
      let off = try #require(judgements.first { $0.series.name == "option-that-is-off" })
      #expect(off.trial?.result == .sameCode)
      #expect(off.reasons.first?.text.hasPrefix("CONFIG_DMA_API_DEBUG is off") == true, "\(off.reasons)")
      #expect(off.reasons.count > 1)
      #expect(
        off.reasons.dropFirst().allSatisfy { $0.text.contains("#ifdef CONFIG_DMA_API_DEBUG") }, "\(off.reasons)")

      let alone = try #require(judgements.first { $0.series.name == "leave-vm-file-alone" })
      try linesAreTheKernelsOwn(alone)
      for (record, directory) in [(record, directory), (examples, examplesDirectory)] {
        try evidenceIsThere(record, directory)
        try await reportIsValid(Report(record: record), directory)
      }
      #expect(
        try await Workbench.processes("qemu-system.*patchbench-\(ProcessInfo.processInfo.processIdentifier)-") == [])
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: bench.cache.root.appending("work").string)
          .filter { $0.hasPrefix("\(ProcessInfo.processInfo.processIdentifier)-") } == [])
    }

    @Test func theStockKernelLeavesTwoAliasesOfThreeMapped() async throws {
      let bench = try Workbench()
      let (record, _) = try await bench.run(
        bench.plan([Workbench.series("candidates/virtio-gpu-share-address-space")], output: "run"))
      let judgement = try #require(judge(record).first)
      #expect(judgement.verdict == .fixes)
      #expect(ExitStatus.of([judgement], interrupted: false) == 0)
      let fixed = try #require(judgement.tests.first { $0.change == .fixed })
      #expect(fixed.checks.count { $0.base?.passed == false && $0.series?.passed == true } == 2)
      // The suite's first test has cached the results, and the record says that nothing ran again.
      #expect(record.base?.reused == true)
      #expect(record.trials.values.map(\.reused) == [true])
    }
  }
}

/// Reads the verdict from a line such as `Expected verdict: fixes` in a cover letter.
private func expectedVerdict(_ body: String?) -> Verdict? {
  body?.split(separator: "\n").first { $0.hasPrefix("Expected verdict: ") }
    .flatMap { Verdict(rawValue: String($0.dropFirst(18).prefix { $0.isLetter || $0 == "-" })) }
}

/// Checks source lines. A WARN names its own line, which must be that of its instruction. Its callers have lines too.
private func linesAreTheKernelsOwn(_ judgement: Judgement) throws {
  guard case .ran(let run) = judgement.trial?.result else {
    Issue.record("\(judgement.series.name) did not run")
    return
  }
  let report = try #require(run.reports.first { $0.title == "WARNING in drm_mm_takedown" })
  let headline = try #require(report.trace.first { $0.hasPrefix("WARNING: ") })
  let place = try #require(headline.firstMatch(of: #/ at ([a-z_/]+\.c:[0-9]+) /#)?.1)
  let pointer = try #require(report.trace.first { $0.hasPrefix("RIP: 0010:") })
  #expect(pointer.hasSuffix("(\(place))") || pointer.contains("(\(place) "), "\(report.trace)")
  let frames = report.trace.filter { line in
    line.hasPrefix(" ") && line.contains("+0x") && !line.contains(" ? ") && !line.contains("[")
  }
  // Assembly code has no line information here.
  let untold = frames.filter { !$0.hasSuffix(")") && !$0.contains("entry_SYSCALL_64") }
  #expect(frames.count > 3)
  #expect(untold == [])
}

/// Checks a trial in which one test ended its guest, and another guest ran the tests after it.
private func aDeathIsNotTheEnd(_ judgement: Judgement, _ directory: RunDirectory) throws {
  guard case .ran(let run) = judgement.trial?.result else {
    Issue.record("\(judgement.series.name) did not run")
    return
  }
  #expect(run.deaths.map(\.test) == ["errors/pbtest-to-vgem/no-mmap"])
  guard case .panicked = run.ending else {
    Issue.record("\(run.ending)")
    return
  }
  #expect(judgement.tests.filter { $0.series == .missing }.map(\.name) == ["errors/pbtest-to-vgem/no-mmap"])
  #expect(judgement.tests.allSatisfy { $0.series == .missing || $0.change == .same })
  #expect(judgement.tests.last?.name.hasSuffix("/unbind") == true)
  let second = directory.evidence(judgement.series.name).appending("results-2.ktap")
  #expect(FileManager.default.fileExists(atPath: second.string))

  // Everything that the guest reported is also on its disk, up to the test that it died in.
  func evidence(_ name: String) throws -> String {
    let file = directory.evidence(judgement.series.name).appending(name)
    return try String(contentsOfFile: file.string, encoding: .utf8)
  }
  let told = try evidence("results.ktap")
  let isKept = try evidence("state-results") == told
  #expect(isKept && told.contains("signed"))
  let log = try evidence("state-kmsg")
  let isLogged = log.contains("Linux version") && log.contains("test begins: errors/pbtest-to-vgem/no-mmap")
  #expect(isLogged)
  // The disk was removed after it was read, and the second guest completed.
  let left = try FileManager.default.contentsOfDirectory(
    atPath: directory.evidence(judgement.series.name).string
  ).filter { $0.hasPrefix("state") }
  #expect(left.sorted() == ["state-kmsg", "state-results"])
}

/// Returns a digest of every file in a tree, with size and time.
private func fingerprint(_ tree: FilePath) async throws -> String {
  let listing = try await Tool("find", [".", "-printf", "%P %s %T@ %m\\n"], in: tree).output()
  return try await Digest.of([listing.split(separator: "\n").sorted().joined(separator: "\n")])
}

private func evidenceIsThere(_ record: RunRecord, _ directory: RunDirectory) throws {
  #expect(FileManager.default.fileExists(atPath: directory.config.string))
  for trial in [record.base].compactMap({ $0 }) + record.trials.values {
    guard case .ran(let run) = trial.result else { continue }
    let evidence = directory.evidence(trial.series)
    let console = try Data(contentsOf: URL(filePath: evidence.appending("console.log").string))
    let beginsWithTheBanner = String(decoding: console.prefix(4096), as: UTF8.self).contains("Linux version")
    #expect(beginsWithTheBanner, "\(evidence)")
    guard run.booted else { continue }
    let results = try String(contentsOfFile: evidence.appending("results.ktap").string, encoding: .utf8)
    let planIsFirst = results.hasPrefix("KTAP version 1\n1..\(run.tests.count)\n")
    #expect(planIsFirst, "\(evidence)")
    // A file is long, and a failing expectation would print all of it.
    // Only the signature of the last lines comes after it.
    let last = results.split(separator: "\n").last { !$0.hasPrefix("# patchbench: signed ") }
    let isWhole = last == "# patchbench: end \(run.tests.count)"
    #expect(isWhole == (run.ending == .completed && !run.tests.contains { $0.status == .missing }), "\(evidence)")
  }
}

/// Validates the report of a real run against the schema that other programs rely on.
private func reportIsValid(_ report: Report, _ directory: RunDirectory) async throws {
  let file = directory.report("json")
  try Data(report.json().utf8).write(to: URL(filePath: file.string))
  let schema = Workbench.home.pushing(FilePath("Sources/Reports/Schema/report.schema.json"))
  let answer = try await Tool("/usr/bin/jsonschema", ["-i", file.string, schema.string]).run()
  #expect(answer.status.isSuccess, "\(answer.output)\(answer.errors)")
  #expect(try report.html().contains("</html>"))
  let first = try #require(report.judgements.first?.series.name)
  #expect(report.markdown().contains(first))
}
