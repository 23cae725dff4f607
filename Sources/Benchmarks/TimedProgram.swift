// SPDX-License-Identifier: Apache-2.0

import Bench
import BenchModel
import Foundation
import Glibc
import KernelBuild
import SystemPackage
import Toolbox

/// patchbench itself, started as a user would start it.
struct TimedProgram: Sendable {
  var executable: FilePath
  /// The options of every run: kernel, profile, cache, and the checkout.
  var options: [String]
  var cache: Cache
  var environment: [String: String]
  /// The directory of the runs.
  var directory: FilePath

  struct Run: Sendable {
    /// The time from start to end, in seconds.
    var seconds: Double
    var record: RunRecord
    /// The peak memory of the program, its tools and its guests together, in MiB; 0 if it was not watched.
    var peakMemory: Double
    /// The disk space of the run's directory and of its cache entries, in MiB.
    var disk: Double

    /// The time that a run of one series spent on things that the bare steps do not do.
    var overhead: Double {
      let steps: [CostStep] = [.compile, .link, .boot, .tests]
      return seconds - record.trials.values.flatMap { trial in steps.compactMap { trial.seconds[$0] } }.reduce(0, +)
    }
  }

  /// Runs series and reads the record back.
  /// - Parameters:
  ///   - watched: whether to watch memory, which costs a little time.
  ///   - isFirst: whether the base was not tried yet.
  /// - Throws: ``BenchmarkError`` if the guest of a series did not complete, or if the run did more than try each
  ///   series once. Its time would then not be comparable.
  func run(_ series: FilePath, name: String, watched: Bool = false, isFirst: Bool = false) async throws -> Run {
    let output = directory.appending(name)
    let kept = try await size([cache.trials, cache.root.appending("objects")])
    var tool = Tool(
      executable.string, ["run", series.string, "--output", output.string, "--json"] + options, in: directory)
    tool.environment = environment
    let watch = watched ? Task { await MemoryWatch.peak(of: output.string) } : nil
    defer { watch?.cancel() }
    let begun = ContinuousClock.now
    let result = try await tool.run(deadline: .seconds(7200))
    let seconds = (.now - begun) / .seconds(1)
    watch?.cancel()
    let peak = await watch?.value ?? 0
    guard let record = RunRecord((try? EventRecord.read(RunDirectory(output).events)) ?? []), !record.interrupted else {
      throw BenchmarkError(message: "a run failed: \(result.errors.suffix(500))")
    }
    for trial in record.trials.values {
      guard case .ran(let run) = trial.result, run.ending == .completed, !trial.reused, trial.again == nil else {
        throw BenchmarkError(
          message: "\(trial.series ?? "base") was not tried exactly once, to its end: \(result.errors.suffix(500))")
      }
    }
    guard isFirst || record.base?.reused == true else {
      throw BenchmarkError(message: "the run also tried the base, because its result was not cached; see \(output)")
    }
    let disk = try await size([output, cache.trials, cache.root.appending("objects")]) - kept
    return Run(seconds: seconds, record: record, peakMemory: peak, disk: disk)
  }

  private func size(_ paths: [FilePath]) async throws -> Double {
    Double(try await DiskUsage.bytes(of: paths)) / 1_048_576
  }
}

/// A measurement failed.
public struct BenchmarkError: Error, Sendable, Hashable {
  public var message: String
}

/// Adds up the memory of a program, its child processes and its guests, several times a second.
private enum MemoryWatch {
  /// Watches until the task is cancelled.
  /// - Parameter word: occurs in the program's command line and in no other.
  /// - Returns: the largest sum of resident memory, in MiB. Pages that two processes share are counted twice.
  static func peak(of word: String) async -> Double {
    var peak = 0.0
    while !Task.isCancelled {
      peak = max(peak, sum(of: word))
      try? await Task.sleep(for: .milliseconds(250))
    }
    return peak
  }

  private static func sum(of word: String) -> Double {
    var parents: [pid_t: pid_t] = [:]
    var resident: [pid_t: Double] = [:]
    var lines: [pid_t: String] = [:]
    let page = Double(sysconf(Int32(_SC_PAGESIZE)))
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let pid = pid_t(name), let status = ProcessStatus(pid) else { continue }
      parents[pid] = status.parent
      resident[pid] = Double(status.resident) * page / 1_048_576
      lines[pid] = ProcFile.text("/proc/\(pid)/cmdline") ?? ""
    }
    guard let root = lines.first(where: { $0.value.contains(word) && $0.value.contains("\u{0}run\u{0}") })?.key else {
      return 0
    }
    func belongs(_ pid: pid_t) -> Bool {
      var current = pid
      for _ in 0..<64 {
        if current == root { return true }
        guard let parent = parents[current], parent > 1 else { break }
        current = parent
      }
      // libvirt's QEMU is not a child of the program, but its name has the program's process id.
      return lines[pid]?.contains("guest=patchbench-\(root)-") ?? false
    }
    return resident.filter { belongs($0.key) }.values.reduce(0, +)
  }
}
