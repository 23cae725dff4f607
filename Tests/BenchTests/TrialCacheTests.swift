// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestProtocol
import KernelBuild
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import Bench

@Suite struct TrialCacheTests {
  private let cell = Cell(
    kernel: "k", profile: "p", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
  private let scratch: Scratch
  private let cache: Cache
  private let patch = Patch(subject: "s", author: "a", file: "0001.patch", paths: ["x.c"])

  init() throws {
    scratch = try Scratch()
    cache = try Cache(scratch.path.appending("cache"))
    try scratch.write("evidence/console.log", "console")
    try scratch.write("evidence/results.ktap", "ktap")
    // Evidence of the guest that continued after the first one died, and of a rerun.
    try scratch.write("evidence/console-2.log", "console")
    try scratch.write("evidence/console-again-1.log", "console")
    try scratch.write("evidence/0001.diff", "not a trial's own evidence")
  }

  private func kept(_ conditions: String = "c") -> TrialCache {
    TrialCache(cache: cache, scratch: scratch.path, conditions: conditions)
  }

  private func ran(_ ending: GuestEnding, tests: [TestResult] = [], anomalies: [String] = []) -> TrialResult {
    .ran(
      GuestRun(
        release: "6", accelerator: .tcg, ending: ending, booted: true, tests: tests, reports: [], anomalies: anomalies,
        lastLines: []))
  }

  private func trial(_ series: String?, _ result: TrialResult) -> Trial {
    Trial(series: series, cell: cell, seconds: StageSeconds([.boot: 1]), reused: false, result: result)
  }

  private var series: PatchSeries { PatchSeries(name: "renamed", patches: [patch]) }

  @Test func aKeptTrialComesBackWithItsEvidence() async throws {
    await kept().keep(trial("s", ran(.completed)), "key", beside: "b", evidence: scratch.path.appending("evidence"))
    let target = scratch.path.appending("target")
    try FileManager.default.createDirectory(atPath: target.string, withIntermediateDirectories: true)
    let again = try #require(kept().reuse("key", as: series, beside: "b", evidence: target))
    #expect(again.reused)
    #expect(again.series == "renamed")
    let whole = ["console-2.log", "console-again-1.log", "console.log", "results.ktap"]
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.string).sorted() == whole)
    #expect(kept().reuse("other", as: series, beside: "b", evidence: target) == nil)
  }

  @Test func whatTheBaseWasAskedAgainIsNotItsOwn() async throws {
    await kept().keep(trial(nil, ran(.completed)), "key", beside: "b", evidence: scratch.path.appending("evidence"))
    let target = scratch.path.appending("target")
    try FileManager.default.createDirectory(atPath: target.string, withIntermediateDirectories: true)
    #expect(kept().reuse("key", as: nil, beside: "b", evidence: target) != nil)
    let own = ["console-2.log", "console.log", "results.ktap"]
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.string).sorted() == own)
  }

  @Test func whateverDecidesATrialIsInItsKey() async throws {
    let keys = [
      try await kept().key([]), try await kept().key(["a"]), try await kept().key(["a", "b"]),
      try await kept().key(["b", "a"]), try await kept().key(["ab"]), try await kept("other").key(["a"]),
    ]
    #expect(Set(keys).count == keys.count)
    #expect(try await kept().key(["a"]) == keys[1])
  }

  @Test func whatEndsAPlantedFaultIsInItsKeyAlone() async throws {
    var cache = kept()
    var keys: [[String]] = []
    for witnesses in [[:], ["s": [Witness.test("a/*")]], ["s": [Witness.report("a/*")]]] {
      cache.witnesses = witnesses
      keys.append([try await cache.key(["a"], of: "s"), try await cache.key(["a"], of: "t")])
    }
    #expect(Set(keys.map { $0[0] }).count == 3)
    #expect(Set(keys.map { $0[1] }) == [keys[0][0]])
  }

  @Test func whatIsDoneWithEachPatchDecidesOnlyForSeveral() async throws {
    var all: [[String]] = []
    for choice in EachPatch.allCases {
      var cache = kept()
      cache.eachPatch = choice
      all.append([try await cache.key([]), try await cache.key(["a"]), try await cache.key(["a", "b"])])
    }
    #expect(Set(all.map { $0[0] }).count == 1 && Set(all.map { $0[1] }).count == 1)
    #expect(Set(all.map { $0[2] }).count == EachPatch.allCases.count)
  }

  /// Whether a series breaks bisection depends on the base, also if the whole is the same code.
  @Test func whatTheTestsSayBetweenPatchesIsKeptBesideTheBase() async throws {
    let evidence = scratch.path.appending("evidence")
    var same = trial("s", .sameCode)
    same.patchTests = PatchTests(
      isWhole: true, steps: [PatchTests.Step(number: 1, outcome: .ran(tests: 3))], breaks: [])
    await kept().keep(same, "key", beside: "b", evidence: evidence)
    #expect(kept().find("key", for: series, beside: "b")?.patchTests == same.patchTests)
    #expect(kept().find("key", for: series, beside: "c") == nil)
    // Another run may find out more.
    same.patchTests?.steps[0].outcome = .fault("no guest")
    await kept().keep(same, "fault", beside: "b", evidence: evidence)
    #expect(kept().find("fault", for: series, beside: "b") == nil)
  }

  /// A trial that may end differently the next time is not cached.
  @Test func onlyWhatWillComeOutTheSameIsKept() async throws {
    let missing = TestResult(name: "t", status: .missing)
    let slow = TestResult(name: "t", status: .timeout, reason: "not done in 45 s")
    let hung = TestResult(
      name: "u", status: .timeout, reason: "not done in 45 s, and alive 5 s after SIGKILL: \(TestResult.hang)")
    let failure = ApplyFailure(patch: patch, file: "x.c", hunk: 1, message: "m")
    let blamed = Diagnostic(file: "x.c", line: 1, message: "m", patch: "0001.patch")
    var late = GuestRun(
      release: "6", accelerator: .tcg, ending: .completed, booted: true,
      tests: [TestResult(name: "t", status: .skip, reason: "not done in 10 s")], reports: [], anomalies: [],
      lastLines: [])
    late.overdue = ["t"]
    let overdue = trial("s", .ran(late))
    let rows: [(name: String, trial: Trial, isKept: Bool)] = [
      ("completed", trial("s", ran(.completed)), true), ("panicked", trial("s", ran(.panicked("x"))), true),
      ("refused", trial("s", .doesNotApply(failure)), false),
      ("broken", trial("s", .doesNotBuild(BuildFailure(diagnostics: [blamed], tail: []))), true),
      ("broken, without a blamed patch", trial("s", .doesNotBuild(BuildFailure(diagnostics: [], tail: []))), false),
      ("timed out", trial("s", ran(.completed, tests: [slow])), false),
      ("base timed out", trial(nil, ran(.completed, tests: [slow])), false),
      ("hangs", trial("s", ran(.completed, tests: [hung, missing])), true),
      ("hangs, and timed out", trial("s", ran(.completed, tests: [hung, slow])), false),
      ("base hangs", trial(nil, ran(.completed, tests: [hung])), false),
      ("base", trial(nil, ran(.completed)), true), ("base panicked", trial(nil, ran(.panicked("x"))), false),
      ("base missing", trial(nil, ran(.completed, tests: [missing])), false),
      ("silent", trial("s", ran(.silent(seconds: 1))), false), ("early", trial("s", ran(.stoppedEarly)), false),
      ("late", trial("s", ran(.runDeadline(seconds: 1))), false), ("died", trial("s", ran(.machineDied("x"))), false),
      ("contradicts", trial("s", ran(.completed, anomalies: ["x"])), false),
      ("overdue, and answered by a rerun", overdue, false),
      ("fault", trial("s", .fault(HarnessFault(stage: .boot, message: "m"))), false),
      ("stopped", trial("s", .interrupted), false),
    ]
    for row in rows {
      await kept().keep(row.trial, row.name, beside: "b", evidence: scratch.path.appending("evidence"))
      #expect(
        (kept().find(row.name, for: row.trial.series.map { _ in series }, beside: "b") != nil) == row.isKept,
        "\(row.name)")
    }
  }

  /// Which tests are rerun, and so what is cached, depends on the base's results.
  @Test func aTrialIsHeldAgainstTheBaseThatItWasTriedBeside() async throws {
    func base(_ status: TestStatus, _ reports: [String] = []) async throws -> String? {
      guard case .ran(var run) = ran(.completed, tests: [TestResult(name: "t", status: status)]) else { return nil }
      run.reports = reports.map {
        KernelReport(title: $0, kind: .warning, trace: ["at \(Int.random(in: 0...9999))"], test: nil)
      }
      return try await TrialCache.baseFingerprint(of: trial(nil, .ran(run)))
    }
    let words = [
      try await base(.ok), try await base(.notOk), try await base(.ok, ["a"]), try await base(.ok, ["a", "b"]),
    ]
    #expect(Set(words).count == words.count && !words.contains(nil))
    #expect(try await base(.ok, ["b", "a"]) == words[3])
    let evidence = scratch.path.appending("evidence")
    await kept().keep(trial("s", ran(.completed)), "ran", beside: words[0], evidence: evidence)
    #expect(kept().find("ran", for: series, beside: words[0]) != nil)
    #expect(kept().find("ran", for: series, beside: words[1]) == nil)
    #expect(kept().find("ran", for: series, beside: nil) == nil)
    // A series that was not run was not compared with a base. One that was run without a base cannot be cached.
    await kept().keep(trial("s", .sameCode), "same", beside: nil, evidence: evidence)
    #expect(kept().find("same", for: series, beside: words[1]) != nil)
    await kept().keep(trial("s", ran(.completed)), "alone", beside: nil, evidence: evidence)
    #expect(kept().find("alone", for: series, beside: nil) == nil)
    #expect(try await TrialCache.baseFingerprint(of: trial(nil, .interrupted)) == nil)
  }

  @Test func aPatchIsNotNamedByAnotherSeriesFile() async throws {
    let blamed = Diagnostic(file: "x.c", line: 1, message: "m", patch: "0001.patch")
    await kept().keep(
      trial("s", .doesNotBuild(BuildFailure(diagnostics: [blamed], tail: []))), "key", beside: "b",
      evidence: scratch.path.appending("evidence"))
    var other = series
    other.patches[0].file = "0007.patch"
    let target = scratch.path.appending("evidence")
    #expect(kept().reuse("key", as: other, beside: "b", evidence: target) == nil)
    #expect(kept().reuse("key", as: series, beside: "b", evidence: target) != nil)
  }

  /// The same diffs may have other subjects the next time.
  @Test func aPatchIsNotNamedByAnotherSubject() async throws {
    var failure = BuildFailure(diagnostics: [], tail: ["undefined reference"])
    failure.after = BuildFailure.Place(number: 1, count: 2, subject: "s", patch: "0001.patch")
    failure.diagnostics = [Diagnostic(file: "x.c", line: 1, message: "m", patch: "0001.patch")]
    let evidence = scratch.path.appending("evidence")
    await kept().keep(trial("s", .doesNotBuild(failure)), "key", beside: nil, evidence: evidence)
    var other = patch
    other.subject = "the same, said better"
    #expect(kept().find("key", for: PatchSeries(name: "s", patches: [patch]), beside: nil) != nil)
    #expect(kept().find("key", for: PatchSeries(name: "s", patches: [other]), beside: nil) == nil)
  }

  @Test func aTrialThatIsHalfThereIsNone() async throws {
    await kept().keep(trial("s", ran(.completed)), "key", beside: "b", evidence: scratch.path.appending("evidence"))
    let file = cache.trials.appending("key").appending("trial.json").string
    let whole = try Data(contentsOf: URL(filePath: file))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: file))
    #expect(kept().reuse("key", as: series, beside: "b", evidence: scratch.path.appending("evidence")) == nil)
  }
}

@Suite struct CacheBoundTests {
  @Test func whatIsOldGoesAndWhatIsHeldStays() async throws {
    let scratch = try Scratch()
    let cache = try Cache(scratch.path)
    for name in ["k-p-old", "k-p-new"] { try scratch.write("bases/\(name)/built", "") }
    for name in ["old", "new"] { try scratch.write("trials/\(name)/trial.json", "{}") }
    let past = Date(timeIntervalSinceNow: -86400 * 60)
    for name in ["old", "held"] { try scratch.write("benchmark/\(name)/tree/Makefile", "") }
    let held = try #require(try FileLock.attempt(cache.benchmark.appending("held.lock"), .exclusive))
    for path in ["bases/k-p-old/built", "trials/old", "benchmark/old", "benchmark/held"] {
      try FileManager.default.setAttributes(
        [.modificationDate: past], ofItemAtPath: scratch.path.pushing(FilePath(path)).string)
    }
    let removed = try await cache.prune(unusedSince: Date(timeIntervalSinceNow: -86400 * 30))
    #expect(Set(removed.map(\.kind)) == [.base, .trials, .benchmark])
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.trials.string) == ["new"])
    let entries = try await cache.contents()
    #expect(entries.filter { $0.kind == .base }.map(\.name) == ["k-p-new"])
    #expect(entries.first { $0.kind == .trials }?.count == 1)
    #expect(entries.filter { $0.kind == .benchmark }.map(\.name) == ["held"])
    held.release()
  }
}
