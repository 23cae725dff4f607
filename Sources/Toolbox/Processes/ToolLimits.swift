// SPDX-License-Identifier: Apache-2.0

/// What a tool that runs a stranger's code may take, all its descendants together.
public struct ToolLimits: Codable, Sendable, Hashable {
  /// The longest that it may run.
  public var time: Duration
  /// The memory that its processes hold, in bytes; one alone may map no more than this.
  public var memory: Int64
  public var processes: Int
  /// What it may write below the directories that it may write to, in bytes.
  public var disk: Int64

  public init(time: Duration, memory: Int64, processes: Int, disk: Int64) {
    self.time = time
    self.memory = memory
    self.processes = processes
    self.disk = disk
  }

  /// For a build of the kernel.
  ///
  /// A hot header takes four minutes on two processors, a whole tree some ten; make, shells and compilers are some ten
  /// processes a job, the largest of them holds 1 GiB while it links, and a tree's objects take less than 1 GB.
  /// - Parameters:
  ///   - jobs: how many compilers run at once.
  ///   - machine: the machine's memory, in bytes.
  public static func build(jobs: Int, machine: Int64) -> ToolLimits {
    ToolLimits(
      time: .seconds(3600), memory: min(4 << 30 + Int64(jobs) << 30, machine / 4 * 3), processes: 256 + 32 * jobs,
      disk: 6 << 30)
  }
}

/// Which limit a tool ran into, with what was allowed.
public enum Excess: Sendable, Hashable {
  case time(seconds: Double)
  case memory(bytes: Int64)
  case processes(Int)
  case disk(bytes: Int64)
  case output(bytes: Int)

  /// `it held more than 6144 MiB of memory`
  public var words: String {
    switch self {
    case .time(let seconds): "it did not end within \(Int(seconds)) s"
    case .memory(let bytes): "it held more than \(bytes >> 20) MiB of memory"
    case .processes(let count): "it had more than \(count) processes at once"
    case .disk(let bytes): "it wrote more than \(bytes >> 20) MiB"
    case .output(let bytes): "it said more than \(bytes >> 20) MiB"
    }
  }
}
