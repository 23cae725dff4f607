// SPDX-License-Identifier: Apache-2.0

/// A state of a job, by Slurm's own name for it.
struct SlurmState: Sendable, Hashable {
  var name: String

  /// What a state means for a trial.
  enum Fate: Sendable, Hashable {
    /// Slurm will start it, now or again.
    case waits
    case runs
    case completed
    /// It ended through no fault of its own.
    case lost
    /// It ended in any other way.
    case failed
  }

  /// Parses a state as squeue and sacct write it: `RUNNING`, `CANCELLED by 1000`, `CANCELLED+`.
  /// - Returns: `nil` for anything else.
  init?(_ text: some StringProtocol) {
    let word = text.prefix { $0.isASCII && ($0.isUppercase || $0 == "_") }
    let rest = text.dropFirst(word.count)
    guard !word.isEmpty, rest.isEmpty || rest == "+" || rest.hasPrefix(" by ") else { return nil }
    name = String(word)
  }

  /// A state that is not known here is one of a newer Slurm. It counts as waiting, because nothing says that it is the
  /// last one.
  var fate: Fate {
    switch name {
    case "RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING": .runs
    case "COMPLETED": .completed
    case "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED": .lost
    case "CANCELLED", "DEADLINE", "FAILED", "OUT_OF_MEMORY", "TIMEOUT": .failed
    default: .waits
    }
  }
}

/// What squeue says of a job.
struct SlurmJob: Sendable, Hashable {
  var state: SlurmState
  /// Slurm's reason for the state: `Priority`, `NonZeroExitCode`; empty if there is none.
  var reason: String
  /// The nodes that it has or had; empty before it has any.
  var nodes: String

  /// squeue's option for the format that ``jobs(in:)`` parses.
  static let format = "%i|%T|%r|%N"

  /// Parses squeue's output.
  /// - Returns: the jobs by their numbers. Other lines, such as those of other people's arrays, are left out.
  static func jobs(in output: String) -> [String: SlurmJob] {
    var jobs: [String: SlurmJob] = [:]
    for line in output.split(separator: "\n") {
      let parts = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, isNumber(parts[0]), let state = SlurmState(parts[1]) else { continue }
      let reason = parts[2] == "None" ? "" : String(parts[2])
      jobs[String(parts[0])] = SlurmJob(state: state, reason: reason, nodes: String(parts[3]))
    }
    return jobs
  }

  /// Returns the number of a job, from the output of `sbatch --parsable`: `12` or `12;cluster`.
  static func number(in output: String) -> String? {
    // A site may have wrapped sbatch in a script that says more.
    guard let last = output.split(separator: "\n").last else { return nil }
    let number = last.prefix { $0 != ";" }
    return isNumber(number) ? String(number) : nil
  }

  private static func isNumber(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Whether Slurm holds it because a node could not start it. It would wait for an administrator.
  var isHeldByFailure: Bool {
    state.fate == .waits && reason.replacing("_", with: " ").lowercased().hasPrefix("launch failed")
  }

  /// Whether it waits for what will not come unless somebody changes the cluster: a partition without such nodes, or
  /// limits that it exceeds on its own.
  var isHopeless: Bool {
    let reasons = [
      "AccountNotAllowed", "BadConstraints", "InvalidAccount", "InvalidQOS", "PartitionConfig", "PartitionNodeLimit",
      "PartitionTimeLimit", "QOSNotAllowed",
    ]
    return state.fate == .waits && (reasons.contains(reason) || reason.contains("PerJobLimit"))
  }

  /// `TIMEOUT (TimeLimit) on north`
  var words: String {
    state.name + (reason.isEmpty ? "" : " (\(reason))") + (nodes.isEmpty ? "" : " on \(nodes)")
  }
}
