// SPDX-License-Identifier: Apache-2.0

import Foundation
import GuestMachine
import Toolbox

/// What builds and guests of different series share: cores, and memory that is never promised twice.
public struct Resources: Sendable {
  /// How many compilers one build runs.
  public let jobs: Int
  let builds: Capacity
  let guests: Capacity
  /// In MiB.
  let memory: Capacity
  /// How many series are between their first patch and their guest's end, which bounds what lies on the disk.
  let series: Capacity

  /// What one compiler of the kernel may need, in MiB; the largest sources take 200 with KASAN.
  static let compiler = 256
  /// What the links of one image may need, in MiB.
  static let link = 768
  /// What QEMU needs beside the guest's own memory, in MiB: its translated code above all.
  static let emulator = 256

  /// - Parameter memory: what builds and guests may use together, in MiB.
  public init(jobs: Int, memory: Int) {
    self.jobs = jobs
    // Small series compile one file and link, which keeps one core busy; a guest keeps about one busy as well.
    let builds = max(1, jobs / 4)
    let guests = max(1, jobs)
    self.builds = Capacity(builds)
    self.guests = Capacity(guests)
    self.memory = Capacity(memory)
    series = Capacity(builds + guests)
  }

  /// As many compilers as there are cores, and no more than there is memory for.
  public static func standardJobs(processors: Int, memory: Int) -> Int {
    max(1, min(processors, memory / (compiler + MachineSpec.standardMemory + emulator)))
  }

  /// What this machine can spare, in MiB: nine tenths of what is available now.
  public static func spareMemory() -> Int {
    let text = ProcFile.text("/proc/meminfo") ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") } ?? ""
    let kilobytes = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 2 << 20
    return kilobytes / 1024 * 9 / 10
  }

  func build<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await builds.with { try await memory.with(jobs * Self.compiler + Self.link, body) }
  }

  func guest<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await guests.with { try await memory.with(MachineSpec.standardMemory + Self.emulator, body) }
  }
}
