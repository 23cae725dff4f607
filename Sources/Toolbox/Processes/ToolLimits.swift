// SPDX-License-Identifier: Apache-2.0

/// The limits of a tool that runs untrusted code, for all its descendants together.
public struct ToolLimits: Codable, Sendable, Hashable {
  /// The time limit.
  public var time: Duration
  /// The memory of its processes, in bytes. A single process may map no more than this.
  public var memory: Int64
  public var processes: Int
  /// The bytes that it may write below its writable directories.
  public var disk: Int64

  public init(time: Duration, memory: Int64, processes: Int, disk: Int64) {
    self.time = time
    self.memory = memory
    self.processes = processes
    self.disk = disk
  }

  /// Returns the limits for a kernel build.
  ///
  /// After a change to a widely included header, a build takes four minutes on two processors; a whole tree takes about
  /// ten. make, shells and compilers are about ten processes per job. The largest holds 1 GiB while it links, and a
  /// tree's objects take less than 1 GB.
  /// - Parameters:
  ///   - jobs: the number of concurrent compilers.
  ///   - machine: the machine's memory, in bytes.
  public static func build(jobs: Int, machine: Int64) -> ToolLimits {
    ToolLimits(
      time: .seconds(3600), memory: min(4 << 30 + Int64(jobs) << 30, machine / 4 * 3), processes: 256 + 32 * jobs,
      disk: 6 << 30)
  }
}

/// The limit that a tool exceeded, with its value.
public enum Excess: Sendable, Hashable {
  case time(seconds: Double)
  case memory(bytes: Int64)
  case processes(Int)
  case disk(bytes: Int64)
  case output(bytes: Int)

  /// `it used more than 6144 MiB of memory`
  public var words: String {
    switch self {
    case .time(let seconds): "it did not end within \(Int(seconds)) s"
    case .memory(let bytes): "it used more than \(bytes >> 20) MiB of memory"
    case .processes(let count): "it had more than \(count) processes at once"
    case .disk(let bytes): "it wrote more than \(bytes >> 20) MiB"
    case .output(let bytes): "it printed more than \(bytes >> 20) MiB"
    }
  }
}
