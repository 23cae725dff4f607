// SPDX-License-Identifier: Apache-2.0

import Foundation
import GuestMachine
import SystemPackage
import Toolbox

/// What a run's jobs may take.
public struct SlurmLimits: Sendable, Hashable {
  /// The processors of a job; `nil` is few, because one small series keeps about one of them busy.
  public var jobs: Int?
  /// The memory of a job's builds and guests, in MiB; `nil` is what they need.
  public var memory: Int?
  /// How many of its jobs may be in Slurm's queue.
  public var queue: Int

  public init(jobs: Int? = nil, memory: Int? = nil, queue: Int = 64) {
    self.jobs = jobs
    self.memory = memory
    self.queue = queue
  }

  /// The most processors of a job if nobody asked for a number.
  private static let few = 4

  /// Returns what each job asks for.
  /// - Parameter machine: the resources of the machine that submits.
  func share(machine: Resources) -> SlurmShare {
    let jobs = jobs ?? min(machine.jobs, Self.few)
    return SlurmShare(jobs: jobs, memory: memory ?? Resources.need(jobs: jobs))
  }
}

/// What one job asks Slurm for.
struct SlurmShare: Sendable, Hashable {
  /// Its processors, and how many compilers and guests it runs at once.
  var jobs: Int
  /// The memory that its builds and guests use together, in MiB.
  var memory: Int

  /// The memory of patchbench itself and of its tools, in MiB.
  private static let own = 512

  /// sbatch's options.
  var requests: [String] { ["--cpus-per-task=\(jobs)", "--mem=\(memory + Self.own)M"] }

  /// The options of `patchbench trial`.
  var options: [String] { ["--jobs", "\(jobs)", "--memory", "\(memory)"] }
}

/// What every job of a run has in common.
struct SlurmSubmission: Sendable {
  var script: FilePath
  /// The name of all jobs of the run.
  var name: String
  var share: SlurmShare
  /// patchbench's own file.
  var program: FilePath
  /// The options of `patchbench trial`.
  var options: [String]

  /// The job script. Its text is always the same: what varies are its words, which no shell reads as code, and Slurm's
  /// own variables.
  ///
  /// Each start of a job gets a directory of its own. A node that Slurm believes lost may still be at work, while another
  /// one runs the job again.
  static let text = """
    #!/bin/sh
    set -eu
    program=$1 order=$2 place=$3
    shift 3
    start=$place/slurm-$SLURM_JOB_ID-${SLURM_RESTART_COUNT:-0}
    exec >"$start.out" 2>&1
    exec "$program" trial "$order" --output "$start" "$@"

    """

  static func writeScript(in scratch: FilePath) throws -> FilePath {
    let file = scratch.appending("slurm-job.sh")
    try DurableFile.write(text.utf8, to: file)
    return file
  }

  /// Returns the name of a run's jobs. It is the same whenever the run is resumed, and has nothing in it that somebody
  /// could choose.
  static func name(of directory: RunDirectory) async throws -> String {
    "patchbench-" + (try await Digest.of([directory.path.absolute.lexicallyNormalized().string])).prefix(12)
  }

  /// Returns the path of this program's file, which the nodes must have as well.
  /// - Throws: ``SlurmError/programReplaced``
  static func program() throws -> FilePath {
    let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    guard FileManager.default.fileExists(atPath: path) else { throw SlurmError.programReplaced(path: path) }
    return FilePath(path)
  }

  /// Returns sbatch's words for one trial.
  /// - Parameter evidence: where the order is, and where the trial goes.
  func words(evidence: FilePath) -> [String] {
    let place = evidence.absolute
    return [
      // Slurm must not read a path as a pattern, so the script itself writes the log.
      "--parsable", "--job-name=\(name)", "--nodes=1", "--ntasks=1", "--requeue", "--export=ALL", "--chdir=/",
      "--output=/dev/null",
    ] + share.requests + [script.absolute.string, program.string, TrialOrder.file(in: place).string, place.string]
      + options
  }
}

/// Slurm cannot run the trials.
public enum SlurmError: Error, Sendable, Hashable {
  /// It does not take jobs; in its own words.
  case refused(String)
  /// It has not answered for a long time.
  case unreachable(String)
  /// A job would wait forever, for this reason.
  case hopeless(job: String, reason: String)
  /// The program's file is no longer there for the nodes to start.
  case programReplaced(path: String)
}

extension SlurmError {
  /// Whether sbatch may take the job later, by what it said.
  static func isTemporary(_ words: String) -> Bool {
    let words = words.lowercased()
    let signs = [
      "temporarily un", "unable to contact slurm controller", "timed out", "zero bytes were transmitted",
      "connection refused", "connection reset", "standby mode", "maxsubmit", "job submit limit",
    ]
    return signs.contains { words.contains($0) }
  }

  /// Returns what a tool of Slurm's said, in one line and without its own name.
  static func words(_ errors: String) -> String {
    let lines = errors.split(separator: "\n").map { line in
      line.replacing(#/^[a-z]+: (error|fatal): /#, with: "").trimmingCharacters(in: .whitespaces)
    }
    let said = lines.filter { !$0.isEmpty }.suffix(3)
    return said.isEmpty ? "it printed no error" : said.joined(separator: "; ")
  }
}
