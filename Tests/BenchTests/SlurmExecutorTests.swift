// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import GuestMachine
import KernelBuild
import SystemPackage
import TestBench
import TestSupport
import Testing
import Toolbox

@testable import Bench

/// A Slurm of scripts. Job N goes through the lines of `states.N`, one for each time that squeue is asked; the last one
/// stays.
private struct ScriptedSlurm {
  let scratch: Scratch

  private static let programs = [
    "sbatch": """
    n=$(($(cat count 2>/dev/null || echo 0) + 1))
    echo $n >count
    if [ -n "${PATCHBENCH_OWNER:-}" ]; then echo "with a mark" >>calls; fi
    if [ -e refuse.$n ]; then cat refuse.$n >&2; exit 1; fi
    while case $1 in --*) ;; *) false ;; esac; do shift; done
    place=$4
    if [ -e trial.$n ]; then
      mkdir "$place/slurm-$n-0"
      echo "of job $n" >"$place/slurm-$n-0/console.log"
      cp trial.$n "$place/slurm-$n-0/trial.json"
    fi
    if [ -e said.$n ]; then cp said.$n "$place/slurm-$n-0.out"; fi
    cp states.$n queue.$n
    echo $n
    """,
    "squeue": """
    if [ -e down ]; then echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1; fi
    for file in queue.*; do
      if ! [ -e "$file" ]; then continue; fi
      read -r line <"$file"
      if [ "$line" != gone ]; then echo "${file#queue.}|$line"; fi
      if [ "$(wc -l <"$file")" -gt 1 ]; then sed -i 1d "$file"; fi
    done
    """,
    "scancel": "echo \"scancel $*\" >>calls",
    "sacct": "cat accounted 2>/dev/null",
  ]

  init() throws {
    scratch = try Scratch()
    for (name, text) in Self.programs {
      let file = try scratch.write("bin/\(name)", "#!/bin/sh\ncd '\(scratch.path)'\n\(text)\n")
      chmod(file.string, 0o755)
    }
  }

  var environment: [String: String] { ["PATH": "\(scratch.path)/bin:/usr/bin:/bin"] }

  var calls: [String] {
    let text = (try? String(contentsOfFile: scratch.path.appending("calls").string, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  var submitted: Int {
    Int((try? String(contentsOfFile: scratch.path.appending("count").string, encoding: .utf8))?.dropLast() ?? "") ?? 0
  }
}

@Suite("Trials as Slurm's jobs") struct SlurmExecutorTests {
  private let slurm = try! ScriptedSlurm()

  private static let pace = SlurmQueue.Pace(
    poll: .milliseconds(20), retry: .milliseconds(20), patience: .seconds(30), hope: .milliseconds(200))

  private func order() throws -> TrialOrder {
    let plan = RunPlan(
      target: RunTarget(
        kernel: KernelDefinition(name: "k", source: .tree("/nowhere"), profiles: [:]),
        profile: KernelDefinition.Profile(
          name: "p", fragments: [], image: .vmlinux, clocks: KernelDefinition.Clocks(), extent: .boot),
        connection: nil, accelerator: .tcg),
      series: [],
      choices: RunChoices(
        tests: [], fresh: true, keepsMemory: false, stopsAtFirst: false, accepted: [], executor: .slurm),
      retryPolicy: .standard, limits: RunLimits(resources: Resources(jobs: 1, memory: 1024), sandbox: nil),
      checkout: Checkout(home: "/nowhere", version: "test", suite: .scripted(in: "/nowhere")),
      place: RunPlace(
        cache: try Cache(slurm.scratch.path.appending("cache")), output: nil, results: "results", environment: [:]),
      purpose: .verdicts)
    return TrialOrder(
      plan, asked: AskedTests(names: ["a/b/c"], isPart: true),
      clocks: TrialClocks(KernelDefinition.Clocks(boot: 20), .tcg, boot: nil),
      conditions: RunConditions(
        program: "1", base: "2", driver: "3", guestBinary: "4", emulator: "5", accelerator: .tcg, devices: []))
  }

  private var evidence: FilePath { slurm.scratch.path.appending("evidence") }

  /// Carries out the base's trial.
  private func trial(pace: SlurmQueue.Pace = pace) async throws -> Trial {
    try FileManager.default.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
    let order = try order()
    let submission = SlurmSubmission(
      script: try SlurmSubmission.writeScript(in: slurm.scratch.path), name: "patchbench-0",
      share: SlurmShare(jobs: 1, memory: 1024), program: "/usr/bin/env", options: [])
    let events = EventHub(try EventRecorder(slurm.scratch.path.appending("events.jsonl")), [])
    return try await SlurmQueue.with(name: "patchbench-0", environment: slurm.environment, pace: pace) { queue in
      try await SlurmExecutor(
        queue: queue, submission: submission, order: order, turns: Capacity(4), places: Capacity(4),
        events: events, visibility: .milliseconds(300)
      ).runBase(evidence: evidence)
    }
  }

  private func fault(_ trial: Trial) throws -> HarnessFault {
    guard case .fault(let fault) = trial.result else { throw StageError.fault(.tests, "\(trial.result)") }
    return fault
  }

  private func writeTrial(_ job: Int) throws {
    let data = try TrialOrder.encoder.encode(try order().trial(of: nil, .built))
    try slurm.scratch.write("trial.\(job)", String(decoding: data, as: UTF8.self))
  }

  @Test("the trial of a completed job is where every executor leaves it, and its jobs have no mark of this process")
  func completes() async throws {
    try writeTrial(1)
    try slurm.scratch.write("states.1", "PENDING|Priority|\nRUNNING|None|north\nCOMPLETED|None|north\n")
    #expect(try await trial().result == .built)
    let files = try FileManager.default.contentsOfDirectory(atPath: evidence.string).sorted()
    #expect(files == ["console.log", "order.json", "trial.json"])
    #expect(slurm.calls == ["scancel --name=patchbench-0", "scancel --name=patchbench-0"])
  }

  @Test("a job that Slurm requeues is waited for", arguments: ["PENDING|BeginTime|", "REQUEUED|NodeDown|"])
  func requeues(_ line: String) async throws {
    try writeTrial(1)
    try slurm.scratch.write("states.1", "RUNNING|None|north\n\(line)\nRUNNING|None|south\nCOMPLETED|None|south\n")
    #expect(try await trial().result == .built)
    #expect(slurm.submitted == 1)
  }

  @Test(
    "a job that Slurm lost for good is submitted again, and a trial is given up after the third",
    arguments: ["NODE_FAIL|NodeDown|north", "PREEMPTED|None|north", "PENDING|launch failed requeued held|", "gone"])
  func loses(_ line: String) async throws {
    for job in 1...3 { try slurm.scratch.write("states.\(job)", "RUNNING|None|north\n\(line)\n") }
    let fault = try fault(try await trial())
    #expect(slurm.submitted == 3)
    #expect(fault.message.hasPrefix("Slurm's job 3 ended without a trial: "))
    #expect(slurm.calls.contains("scancel --quiet 1"))
  }

  @Test("the second job's trial counts if the first one was lost")
  func secondJob() async throws {
    try slurm.scratch.write("states.1", "NODE_FAIL|NodeDown|north\n")
    try writeTrial(2)
    try slurm.scratch.write("states.2", "COMPLETED|None|south\n")
    #expect(try await trial().result == .built)
  }

  @Test(
    "a job that ended in another way is a fault of the harness, in Slurm's words",
    arguments: [
      ("CANCELLED|None|north", "CANCELLED on north"), ("TIMEOUT|TimeLimit|north", "TIMEOUT (TimeLimit) on north"),
      ("OUT_OF_MEMORY|OutOfMemory|north", "OUT_OF_MEMORY (OutOfMemory) on north"),
      ("FAILED|NonZeroExitCode|north", "FAILED (NonZeroExitCode) on north: patchbench: missing here: ld"),
    ])
  func fails(_ line: String, _ words: String) async throws {
    try slurm.scratch.write("states.1", "RUNNING|None|north\n\(line)\n")
    if line.hasPrefix("FAILED") {
      try slurm.scratch.write("said.1", "a line\npatchbench: missing here: ld\n  → apt-get install binutils\n")
    }
    let fault = try fault(try await trial())
    #expect(fault.message == "Slurm's job 1 ended without a trial: \(words)")
    #expect(slurm.submitted == 1)
  }

  @Test("a trial that was written before its job was cancelled counts")
  func cancelledLate() async throws {
    try writeTrial(1)
    try slurm.scratch.write("states.1", "CANCELLED|None|north\n")
    #expect(try await trial().result == .built)
  }

  @Test("a completed job without a trial is a fault that says what must be shared")
  func notShared() async throws {
    try slurm.scratch.write("states.1", "COMPLETED|None|north\n")
    #expect(try fault(try await trial()).advice?.contains("share") == true)
  }

  @Test("the accounting is asked for a job that the queue no longer knows")
  func accounted() async throws {
    try slurm.scratch.write("states.1", "gone\n")
    try slurm.scratch.write("accounted", "TIMEOUT\n")
    #expect(try fault(try await trial()).message.hasSuffix(": TIMEOUT"))
    #expect(slurm.submitted == 1)
  }

  @Test("a full queue is waited for; any other refusal ends the run in sbatch's words")
  func refuses() async throws {
    try slurm.scratch.write("refuse.1", "sbatch: error: QOSMaxSubmitJobPerUserLimit\n")
    try slurm.scratch.write("refuse.2", "sbatch: error: invalid partition specified: nope\n")
    await #expect(throws: SlurmError.refused("invalid partition specified: nope")) { try await trial() }
    #expect(slurm.submitted == 2)
  }

  @Test("a job that would wait forever ends the run")
  func hopeless() async throws {
    try slurm.scratch.write("states.1", "PENDING|PartitionConfig|\n")
    await #expect(throws: SlurmError.hopeless(job: "1", reason: "PartitionConfig")) { try await trial() }
    #expect(slurm.calls.last == "scancel --name=patchbench-0")
  }

  @Test("a Slurm that does not answer any more ends the run")
  func unreachable() async throws {
    try slurm.scratch.write("down", "")
    try slurm.scratch.write("states.1", "PENDING|Priority|\n")
    var pace = Self.pace
    pace.patience = .milliseconds(100)
    await #expect(throws: SlurmError.unreachable("slurm_load_jobs error: Unable to contact slurm controller")) {
      try await trial(pace: pace)
    }
  }

  @Test("a cancelled run cancels its jobs")
  func cancelled() async throws {
    try slurm.scratch.write("states.1", "RUNNING|None|north\n")
    let run = Task { try await trial() }
    while slurm.submitted == 0 { try await Task.sleep(for: .milliseconds(10)) }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(slurm.calls == ["scancel --name=patchbench-0", "scancel --name=patchbench-0"])
  }
}
