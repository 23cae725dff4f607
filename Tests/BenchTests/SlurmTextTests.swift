// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage
import TestSupport
import Testing
import Toolbox

@testable import Bench

@Suite("What Slurm says") struct SlurmTextTests {
  @Test(
    "a state is read as squeue and sacct write it",
    arguments: [
      ("PENDING", "PENDING"), ("RUNNING", "RUNNING"), ("NODE_FAIL", "NODE_FAIL"), ("CANCELLED by 1000", "CANCELLED"),
      ("CANCELLED+", "CANCELLED"), ("OUT_OF_MEMORY", "OUT_OF_MEMORY"), ("OUT_OF_ME+", "OUT_OF_ME"),
      ("", nil), ("running", nil), ("slurm_load_jobs error: Invalid job id specified", nil), ("RUNNING now", nil),
      ("Slurm accounting storage is disabled", nil),
    ])
  func state(_ text: String, _ name: String?) { #expect(SlurmState(text)?.name == name) }

  @Test(
    "each state means one thing for a trial",
    arguments: [
      ("PENDING", SlurmState.Fate.waits), ("CONFIGURING", .waits), ("REQUEUED", .waits), ("REQUEUE_HOLD", .waits),
      ("SUSPENDED", .waits), ("RUNNING", .runs), ("COMPLETING", .runs), ("COMPLETED", .completed),
      ("NODE_FAIL", .lost), ("PREEMPTED", .lost), ("BOOT_FAIL", .lost), ("CANCELLED", .failed), ("FAILED", .failed),
      ("TIMEOUT", .failed), ("DEADLINE", .failed), ("OUT_OF_MEMORY", .failed), ("A_STATE_OF_TOMORROW", .waits),
    ])
  func fate(_ name: String, _ fate: SlurmState.Fate) { #expect(SlurmState(name)?.fate == fate) }

  @Test("squeue's lines are jobs by their numbers; arrays, and what is no line of a job, are left out")
  func jobs() {
    let jobs = SlurmJob.jobs(
      in: """
        7|PENDING|BeginTime|
        8|RUNNING|None|south
        12_3|RUNNING|None|north
        12_[4-7]|PENDING|Resources|
        13+1|RUNNING|None|north
        9|FAILED|NonZeroExitCode|north
        10|CANCELLED|Priority|
        11|nonsense|None|north
        12|RUNNING
        slurm_load_jobs error: Unable to contact slurm controller (connect failure)

        14|PENDING|Nodes required for job are DOWN, DRAINED or reserved|a|b
        """)
    #expect(jobs.keys.sorted() == ["10", "14", "7", "8", "9"])
    #expect(jobs["7"]?.words == "PENDING (BeginTime)")
    #expect(jobs["8"] == SlurmJob(state: SlurmState("RUNNING")!, reason: "", nodes: "south"))
    #expect(jobs["9"]?.words == "FAILED (NonZeroExitCode) on north")
    #expect(jobs["14"]?.nodes == "a|b")
  }

  @Test(
    "the number of a job is the last line that sbatch prints",
    arguments: [
      ("12\n", "12"), ("12;cluster\n", "12"), ("Welcome to the cluster\n12\n", "12"), ("", nil),
      ("Submitted batch job 12\n", nil), ("12_3\n", nil), (";x\n", nil), ("-1\n", nil),
    ])
  func number(_ output: String, _ number: String?) { #expect(SlurmJob.number(in: output) == number) }

  @Test(
    "a job that waits for what will not come is told from one that only waits",
    arguments: [
      ("PENDING", "PartitionConfig", true), ("PENDING", "AssocMaxCpuPerJobLimit", true), ("PENDING", "Priority", false),
      ("PENDING", "Resources", false), ("PENDING", "BeginTime", false), ("PENDING", "JobHeldUser", false),
      ("FAILED", "BadConstraints", false),
    ])
  func hopeless(_ state: String, _ reason: String, _ isHopeless: Bool) {
    #expect(SlurmJob(state: SlurmState(state)!, reason: reason, nodes: "").isHopeless == isHopeless)
  }

  @Test("a job that Slurm holds because a node could not start it is told from one that a user holds")
  func held() {
    func job(_ reason: String) -> SlurmJob { SlurmJob(state: SlurmState("PENDING")!, reason: reason, nodes: "") }
    #expect(job("launch failed requeued held").isHeldByFailure)
    #expect(job("launch_failed_requeued_held").isHeldByFailure)
    #expect(!job("JobHeldUser").isHeldByFailure)
  }

  @Test(
    "what may pass is told from what stays wrong",
    arguments: [
      ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", true),
      ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", true),
      ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", true),
      ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", true),
      ("sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: …", true),
      ("sbatch: error: Batch job submission failed: Invalid partition name specified", false),
      ("sbatch: error: Batch job submission failed: Requested node configuration is not available", false),
      ("sbatch: error: Invalid --time specification", false), ("", false),
    ])
  func refusal(_ words: String, _ isTemporary: Bool) { #expect(SlurmError.isTemporary(words) == isTemporary) }

  @Test("errors are told in Slurm's words, without its names for itself")
  func words() {
    let said = """
      sbatch: error: invalid partition specified: nope
      sbatch: error: Batch job submission failed: Invalid partition name specified

      """
    #expect(
      SlurmError.words(said)
        == "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified")
    #expect(SlurmError.words("\n") == "it printed no error")
  }

  private static let hostile = "a %j $(touch x) `touch y` ; 'q\"\n--wrap=touch z\\"

  private func submission(_ script: FilePath, in place: FilePath) -> SlurmSubmission {
    SlurmSubmission(
      script: script, name: "patchbench-0", share: SlurmShare(jobs: 2, memory: 1536), program: "/usr/bin/env",
      options: ["--home", place.appending(Self.hostile).string])
  }

  @Test("no name reaches an option of sbatch or the text of the job script")
  func hostileWords() async throws {
    let scratch = try Scratch()
    let place = scratch.path.appending(Self.hostile)
    let script = try SlurmSubmission.writeScript(in: scratch.path)
    let words = submission(script, in: scratch.path).words(evidence: place)
    let split = try #require(words.firstIndex(of: script.string))
    #expect(words[..<split].allSatisfy { $0.hasPrefix("--") && !$0.contains("touch") && !$0.contains("%") })
    #expect(words[..<split].contains("--cpus-per-task=2"))
    #expect(words[..<split].contains("--mem=2048M"))
    #expect(words[words.index(after: split)...].contains(place.string))
    #expect(try String(contentsOfFile: script.string, encoding: .utf8) == SlurmSubmission.text)
    // The run's own name, whatever the directory is called.
    let name = try await SlurmSubmission.name(of: RunDirectory(place))
    #expect(name.wholeMatch(of: /patchbench-[0-9a-f]{12}/) != nil)
    let again = RunDirectory(scratch.path.pushing(FilePath("./\(Self.hostile)")))
    #expect(try await SlurmSubmission.name(of: again) == name)
  }

  @Test("the job script passes hostile names on as they are, and runs none of them")
  func script() async throws {
    let scratch = try Scratch()
    let evidence = scratch.path.appending(Self.hostile)
    try FileManager.default.createDirectory(atPath: evidence.string, withIntermediateDirectories: true)
    let script = try SlurmSubmission.writeScript(in: scratch.path)
    let program = try scratch.write("program", "#!/bin/sh\nfor word; do printf '[%s]' \"$word\"; done\npwd >&2\n")
    chmod(program.string, 0o755)
    var submission = submission(script, in: scratch.path)
    submission.program = program
    let words = submission.words(evidence: evidence)
    let ended = try await Tool(
      "/bin/sh", Array(words[words.firstIndex(of: script.string)!...]), in: scratch.path,
      environment: ["PATH": "/usr/bin:/bin", "SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "1"]
    ).run()
    #expect(ended.status == .exited(0), "\(ended.errors)")
    let said = try String(contentsOfFile: evidence.appending("slurm-7-1.out").string, encoding: .utf8)
    let order = TrialOrder.file(in: evidence).string
    #expect(
      said.hasPrefix(
        "[trial][\(order)][--output][\(evidence.appending("slurm-7-1").string)][--home]"
          + "[\(scratch.path.appending(Self.hostile).string)]"))
    let made = try FileManager.default.contentsOfDirectory(atPath: scratch.path.string).sorted()
    #expect(made == [Self.hostile, "program", "slurm-job.sh"].sorted())
  }

  @Test("a job asks for what the local limits give one trial, or for what the user says")
  func share() {
    let large = Resources(jobs: 64, memory: 65536)
    #expect(SlurmLimits().share(machine: large) == SlurmShare(jobs: 4, memory: 3072))
    #expect(SlurmLimits().share(machine: Resources(jobs: 1, memory: 2048)) == SlurmShare(jobs: 1, memory: 1024))
    let share = SlurmLimits(jobs: 16, memory: 8192).share(machine: large)
    #expect(share.requests == ["--cpus-per-task=16", "--mem=8704M"])
    #expect(share.options == ["--jobs", "16", "--memory", "8192"])
  }

  @Test("doctor never fails for Slurm; a run that needs it does, before it begins")
  func doctor() throws {
    let scratch = try Scratch()
    let nowhere = ["PATH": scratch.path.string]
    #expect(Doctor.slurm(nowhere, state: .warning).map(\.state) == [.warning])
    #expect(Doctor.executor(.slurm, nowhere).map(\.remedy) == [.packages(["slurm-client"])])
    #expect(Doctor.executor(.process, nowhere) == [])
    for program in ["sbatch", "squeue", "scancel"] {
      chmod(try scratch.write(program, "#!/bin/sh\n").string, 0o755)
    }
    #expect(Doctor.executor(.slurm, nowhere).map(\.state) == [.ok])
  }
}
