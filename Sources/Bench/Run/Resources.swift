// SPDX-License-Identifier: Apache-2.0

import Foundation
import GuestMachine
import Toolbox

/// The cores and the memory that builds and guests of different series share. Memory is never promised twice.
public struct Resources: Sendable {
  /// How many compilers one build runs.
  public let jobs: Int
  let builds: Capacity
  let guests: Capacity
  /// In MiB.
  let memory: Capacity
  /// How many series may be between their first patch and the end of their guest. This bounds disk use.
  let series: Capacity

  /// The memory for one compiler, in MiB. The largest kernel sources take 200 with KASAN.
  static let compiler = 256
  /// The memory for linking one image, in MiB.
  static let link = 768
  /// The memory for QEMU besides the guest's own, in MiB, mostly for translated code.
  static let emulator = 256

  /// - Parameter memory: the memory that builds and guests may use together, in MiB.
  public init(jobs: Int, memory: Int) {
    self.jobs = jobs
    // A small series compiles one file and links, which keeps one core busy. A guest also keeps about one core busy.
    let builds = max(1, jobs / 4)
    let guests = max(1, jobs)
    self.builds = Capacity(builds)
    self.guests = Capacity(guests)
    self.memory = Capacity(memory)
    series = Capacity(builds + guests)
  }

  /// Returns one compiler per core, clamped to what fits into memory.
  public static func standardJobs(processors: Int, memory: Int) -> Int {
    max(1, min(processors, memory / (compiler + MachineSpec.standardMemory + emulator)))
  }

  /// Returns the memory that this machine can spare, in MiB: nine tenths of what is available now.
  public static func spareMemory() -> Int {
    let text = ProcFile.text("/proc/meminfo") ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") } ?? ""
    let kilobytes = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 2 << 20
    return kilobytes / 1024 * 9 / 10
  }

  /// Returns the memory that one build needs, and as many guests as a trial runs at once, in MiB.
  static func need(jobs: Int) -> Int {
    max(jobs * compiler + link, jobs * (MachineSpec.standardMemory + emulator))
  }

  func build<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await builds.with { try await memory.with(jobs * Self.compiler + Self.link, body) }
  }

  func guest<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await guests.with { try await memory.with(MachineSpec.standardMemory + Self.emulator, body) }
  }
}
