// SPDX-License-Identifier: Apache-2.0

import BenchModel
import GuestProtocol
import Verdicts

/// Helpers that build trials concisely.
let here = Cell(
  kernel: "linux-6.12", profile: "kasan", architecture: "x86_64", toolchain: "gcc", extent: .boot, guest: "q35")
let candidate = PatchSeries(name: "candidate", patches: [patch])
let patch = Patch(subject: "drm: x", author: "A <a@example.org>", file: "0001-x.patch", paths: ["drivers/x.c"])

func guest(
  _ tests: [TestResult], reports: [String] = [], ending: GuestEnding = .completed, booted: Bool = true,
  execution: Execution? = ran, anomalies: [String] = [], accelerator: Accelerator = .kvm
) -> GuestRun {
  var run = GuestRun(
    release: "6.12.1", accelerator: accelerator, ending: ending, booted: booted, tests: tests,
    reports: reports.map { KernelReport(title: $0, kind: .warning, trace: [$0], test: nil) },
    anomalies: anomalies, lastLines: [])
  run.execution = execution
  return run
}

/// `test("a", .notOk, "one:ok", "two:bad 0, expected 1", "three@offset:ok")`
func test(_ name: String, _ status: TestStatus, _ checks: String...) -> TestResult {
  test(name, status, checks: checks)
}

func test(_ name: String, _ status: TestStatus, checks: [String]) -> TestResult {
  TestResult(
    name: name, status: status,
    checks: checks.map { text in
      let parts = text.split(separator: ":", maxSplits: 1)
      let words = parts[1].split(separator: " ", maxSplits: 1)
      let name = parts[0].split(separator: "@")
      return Check(
        name: String(name[0]), passed: words[0] == "ok", detail: words.count > 1 ? String(words[1]) : "",
        design: name.count > 1 ? Design(rawValue: String(name[1]))! : nil)
    })
}

/// A changed function that the guest of ``guest(_:reports:ending:booted:execution:anomalies:accelerator:)`` ran.
let piece = CodeChange.Piece(kind: .function, name: "f", file: "drivers/x.c", carriers: ["f"])
let changed = CodeChange(pieces: [piece], functions: [CodeChange.Function(name: "f", file: "drivers/x.c")])
let ran = Execution(runs: ["f": ["a/x": 1]])

/// A run with output that did not come from PID 1.
func unsigned(_ run: GuestRun) -> GuestRun {
  var run = run
  run.unsigned = 3
  run.anomalies = ["forged"]
  return run
}

/// A run in which PID 1's output was out of order.
func contradicting(_ run: GuestRun) -> GuestRun {
  var run = run
  run.contradictions = 1
  run.anomalies = ["out of turn"]
  return run
}

/// The run of a guest that booted only after another one of the same kernel had not.
func bootsSecond(_ run: GuestRun) -> GuestRun {
  var run = run
  run.bootFailure = .silent(seconds: 9)
  return run
}

func trial(
  _ result: TrialResult, cell: Cell = here, seconds: StageSeconds = StageSeconds(), change: CodeChange? = changed
) -> Trial {
  Trial(series: nil, cell: cell, seconds: seconds, change: change, reused: false, result: result)
}

func judged(_ series: TrialResult?, base: TrialResult?) -> Judgement {
  judge(candidate, trial: series.map { trial($0) }, base: base.map { trial($0) })
}

extension Judgement {
  var words: [String] { reasons.map(\.description) }
}
