// SPDX-License-Identifier: Apache-2.0

import BenchModel
import Foundation
import SystemPackage

/// The comparisons that build and run series.
extension Workshop {
  /// Compares a one-file series, with the base built, with the bare steps.
  func oneFile(_ comparison: inout Comparison) async throws {
    var overhead: [Double] = []
    var steps: [CostStep: [Double]] = [:]
    var bareBuild: [Double] = []
    var bareGuest: [Double] = []
    try await withBareTree { bare in
      for number in 1...benchmark.pairs {
        say(.oneFile, number)
        let one = try series.write("one-\(number)", [("drivers/dma-buf/dma-buf.c", number)])
        comparison.pairs.append(
          try await pair(number) {
            let run = try await program.run(one, name: "one-\(number)")
            overhead.append(run.overhead)
            for trial in run.record.trials.values {
              for step in CostStep.allCases { steps[step, default: []] += trial.seconds[step].map { [$0] } ?? [] }
            }
            return run.seconds
          } theirs: {
            let run = try await bare.run(one)
            bareBuild.append(run.build)
            bareGuest.append(run.guest)
            return run.seconds
          })
        try await bare.undo(one)
      }
    }
    comparison.figures = [
      Comparison.Figure("besides compile, link, boot and tests", unit: "s", target: 1.5, overhead)
    ]
    // These show where both sides spend their time.
    for step in CostStep.allCases {
      comparison.figures.append(Comparison.Figure("ours, \(step.rawValue)", unit: "s", steps[step] ?? []))
    }
    comparison.figures += [
      Comparison.Figure("bare, git apply and make", unit: "s", bareBuild),
      Comparison.Figure("bare, QEMU from start to end", unit: "s", bareGuest),
    ]
  }

  /// Sources that every profile with DRM builds. Each series changes one to three of them.
  private static let sources = [
    "drivers/dma-buf/dma-buf.c", "drivers/dma-buf/udmabuf.c", "drivers/dma-buf/dma-heap.c",
    "drivers/gpu/drm/drm_prime.c", "drivers/gpu/drm/drm_gem.c", "drivers/gpu/drm/drm_gem_shmem_helper.c",
    "drivers/gpu/drm/vgem/vgem_drv.c", "drivers/gpu/drm/virtio/virtgpu_prime.c", "mm/util.c", "mm/mmap.c",
    "drivers/gpu/drm/drm_vma_manager.c", "drivers/dma-buf/dma-resv.c",
  ]

  private func several(_ count: Int, name: String, from first: Int) throws -> FilePath {
    for number in 0..<count {
      let files = (0...number % 3).map { step in
        (path: Self.sources[(number * 3 + step) % Self.sources.count], number: first + number * 3 + step)
      }
      _ = try series.write("\(name)/series-\(number < 9 ? "0" : "")\(number + 1)", files)
    }
    return series.directory.appending(name)
  }

  /// Compares ten series with the bare steps for each of them, one after another.
  func tenSeries(_ comparison: inout Comparison) async throws {
    var costs = Costs()
    try await withBareTree { bare in
      for number in 1...benchmark.pairs {
        let ten = try several(10, name: "ten-\(number)", from: 1000 * number)
        comparison.pairs.append(
          try await pair(number) {
            say(.tenSeries, number, ", patchbench")
            let run = try await program.run(ten, name: "ten-\(number)", watched: true)
            costs.add(run, count: 10)
            return run.seconds
          } theirs: {
            var sum = 0.0
            for name in try FileManager.default.contentsOfDirectory(atPath: ten.string).sorted() {
              say(.tenSeries, number, ", bare, \(name)")
              sum += try await bare.run(ten.appending(name)).seconds
              try await bare.undo(ten.appending(name))
            }
            return sum
          })
      }
    }
    comparison.figures = costs.figures
  }

  /// Compares two versions of a series that changes a header which nearly every source includes.
  func hotHeader(_ comparison: inout Comparison) async throws {
    var objects: [Double] = []
    for number in 1...benchmark.pairs {
      say(.hotHeader, number, ", first version")
      let header = (path: "include/linux/mm.h", number: 100_000 + number)
      // Each version adds its own function. A declaration alone compiles to the same code, and nothing would be booted.
      let source = "drivers/dma-buf/dma-buf.c"
      let first = try series.write("hot-\(number)-v1", [header, (source, 100_000 + number)])
      let second = try series.write("hot-\(number)-v2", [header, (source, 200_000 + number)])
      let before = try await program.run(first, name: "hot-\(number)-v1")
      say(.hotHeader, number, ", second version")
      let after = try await program.run(second, name: "hot-\(number)-v2")
      comparison.pairs.append(Comparison.Pair(ours: after.seconds, theirs: before.seconds))
      objects += before.record.trials.values.compactMap { $0.work.map { Double($0.objects) } }
    }
    comparison.figures = [Comparison.Figure("objects that include the header", unit: "objects", objects)]
  }

  /// Measures what more series cost. The ten-series comparison measures ten.
  func growth(_ comparison: inout Comparison) async throws {
    var costs = Costs()
    let counts = [1, 5, 20]
    for number in 1...benchmark.pairs {
      for count in number % 2 == 1 ? counts : counts.reversed() {
        say(.growth, number, ", \(count) series")
        let name = "growth-\(number)-\(count)"
        let many = try several(count, name: name, from: 1_000_000 * number + 1000 * count)
        costs.add(try await program.run(many, name: name, watched: true), count: count)
      }
      comparison.pairs.append(Comparison.Pair(ours: costs.time[20]!.last!, theirs: costs.time[5]!.last!))
    }
    let ratios = zip(costs.memory[20]!, costs.memory[5]!).map { $0 / $1 }
    comparison.figures =
      costs.figures + [Comparison.Figure("peak memory, 20 series against 5", unit: "ratio", target: 1.0, ratios)]
  }
}

/// The cost of runs, by number of series.
private struct Costs {
  /// The time per series, in seconds.
  var time: [Int: [Double]] = [:]
  /// The peak memory of a whole run, in MiB.
  var memory: [Int: [Double]] = [:]
  /// The disk space that stays in use per series, in MiB.
  var disk: [Int: [Double]] = [:]

  mutating func add(_ run: TimedProgram.Run, count: Int) {
    time[count, default: []].append(run.seconds / Double(count))
    memory[count, default: []].append(run.peakMemory)
    disk[count, default: []].append(run.disk / Double(count))
  }

  var figures: [Comparison.Figure] {
    time.keys.sorted().flatMap { count in
      [
        Comparison.Figure("time per series, of \(count)", unit: "s", time[count]!),
        Comparison.Figure("peak memory, \(count) series", unit: "MiB", memory[count]!),
        Comparison.Figure("disk kept per series, of \(count)", unit: "MiB", target: 60, disk[count]!),
      ]
    }
  }
}
