// SPDX-License-Identifier: Apache-2.0

public import Bench
public import BenchModel
import Foundation
import Glibc
import GuestMachine
import GuestProtocol
import KernelBuild
public import SystemPackage
import Toolbox

/// Times patchbench on this machine, against the bare steps and against other tools.
public struct Benchmark: Sendable {
  /// The comparisons, in the order in which they run.
  public enum Name: String, Sendable, CaseIterable {
    case oneFile = "one-file"
    case virtmeNG = "virtme-ng"
    case tenSeries = "ten-series"
    case hotHeader = "hot-header"
    case growth
    case freshGuests = "fresh-guests"
    case consoleScan = "console-scan"
    case watchedLines20 = "watched-lines-20"
    case watchedLines500 = "watched-lines-500"
  }

  public var target: RunTarget
  public var checkout: Checkout
  public var place: RunPlace
  public var jobs: Int
  /// How often each comparison runs.
  public var pairs: Int
  /// The path of patchbench, and below the options of each of its runs.
  public var executable: FilePath
  public var options: [String]
  /// The tests that both sides run; empty for all. With few tests, time that both sides spend alike hides less of their
  /// difference.
  public var tests: [NamePattern] = []
  /// Gets a description of each step.
  public var progress: @Sendable (String) -> Void

  public init(
    target: RunTarget, checkout: Checkout, place: RunPlace, jobs: Int, pairs: Int, executable: FilePath,
    options: [String], progress: @escaping @Sendable (String) -> Void
  ) {
    self.target = target
    self.checkout = checkout
    self.place = place
    self.jobs = jobs
    self.pairs = pairs
    self.executable = executable
    self.options = options
    self.progress = progress
  }

  /// Runs comparisons, one after the other.
  ///
  /// If one fails, it says why, and the others still run, because they take hours. On cancellation, the report has what
  /// was measured until then.
  /// - Parameter done: gets each comparison when it is done, so that nothing is lost if the process ends.
  /// - Throws: what the base's build throws, and `CancellationError` before the first comparison.
  public func run(
    _ names: [Name], done: @Sendable (Comparison) -> Void
  ) async throws -> BenchmarkReport {
    progress("the base")
    return try await place.cache.withScratch { scratch in
      let prepared = try await PreparedRun.make(
        target, checkout: checkout, place: place, jobs: jobs, cage: nil, scratch: scratch, progress: progress)
      let bench = try await Workshop(self, prepared)
      let machine = machine(prepared, tests: bench.tests.count)
      var comparisons: [Comparison] = []
      for name in names where !Task.isCancelled {
        var comparison = bench.comparison(name)
        do {
          try await bench.make(name, &comparison)
        } catch {
          comparison.failure =
            Task.isCancelled ? "it was stopped" : (error as? BenchmarkError)?.message ?? "\(error)"
        }
        comparison.ratio = Spread(comparison.pairs.map(\.ratio))
        done(comparison)
        comparisons.append(comparison)
      }
      return BenchmarkReport(machine: machine, comparisons: comparisons)
    }
  }

  private func machine(_ prepared: PreparedRun, tests: Int) -> BenchmarkReport.Machine {
    func line(_ file: String, _ prefix: String) -> String {
      let text = ProcFile.text(file) ?? ""
      let line = text.split(separator: "\n").first { $0.hasPrefix(prefix) } ?? ""
      return line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)
    }
    let memory = line("/proc/meminfo", "MemTotal").prefix { $0.isNumber }
    return BenchmarkReport.Machine(
      processors: ProcessInfo.processInfo.activeProcessorCount, model: line("/proc/cpuinfo", "model name"),
      memory: (Int(memory) ?? 0) / 1024, system: ProcessInfo.processInfo.operatingSystemVersionString,
      accelerator: "TCG on both sides", emulator: prepared.emulator, toolchain: prepared.base.toolchain,
      source: prepared.base.sourceDescription, patchbench: checkout.version, tests: tests, jobs: jobs)
  }
}

/// What all comparisons share.
struct Workshop {
  var benchmark: Benchmark
  var base: BaseBuild
  var scratch: FilePath
  var series: MadeSeries
  var program: TimedProgram
  /// Which tests run, on both sides.
  var tests: [String]
  /// An initramfs with orders for these tests.
  var initramfs: FilePath
  /// An initramfs without orders.
  var plainInitramfs: FilePath
  /// The kernel modules of the test driver, for both.
  var modules: GuestModules

  init(_ benchmark: Benchmark, _ prepared: PreparedRun) async throws {
    self.benchmark = benchmark
    base = prepared.base
    scratch = prepared.scratch
    modules = prepared.driver.modules
    series = MadeSeries(tree: base.tree, directory: scratch.appending("series"))
    let runs = scratch.appending("runs")
    try FileManager.default.createDirectory(atPath: runs.string, withIntermediateDirectories: true)
    program = TimedProgram(
      executable: benchmark.executable, options: benchmark.options, cache: benchmark.place.cache,
      environment: benchmark.place.environment, directory: runs)
    tests = try await TestListing.read(from: benchmark.checkout.guestBinary)
      .names(benchmark.tests)
    let driver = modules.driver.forGuest
    plainInitramfs = try await prepared.initramfs("initramfs-plain.cpio", Initramfs.Extras(driver: driver))
    initramfs = try await prepared.initramfs(
      "initramfs-tests.cpio", Initramfs.Extras(driver: driver, orders: GuestOptions(only: tests)))
    benchmark.progress("the base's tests, once, so that no measured run has to do them")
    _ = try await program.run(series.write("warm-up", [("mm/util.c", 0)]), name: "warm-up", isFirst: true)
  }

  /// Returns a comparison without measurements.
  func comparison(_ name: Benchmark.Name) -> Comparison {
    let (ours, theirs, target) =
      switch name {
      case .oneFile: ("a series that touches dma-buf.c, base built", "git apply, make in place, QEMU by hand", 1.0)
      case .virtmeNG:
        (
          "a series that touches dma-buf.c, base built",
          "virtme-ng with our fragments: git apply, its build, its guest, the same tests", 0.2
        )
      case .tenSeries: ("ten series of one to three files", "the bare steps of each, added up", 0.8)
      case .hotHeader:
        (
          "a second version, with a line more in a C file",
          "a series that touches include/linux/mm.h, for the first time", 0.25
        )
      case .growth: ("time per series, of 20", "time per series, of 5", 1.0)
      case .freshGuests: ("a restored guest, from its start to its first test", "a booted one", 0.25)
      case .consoleScan: ("reading a console of 200 MB for reports", "100 MB a second", 1.0)
      case .watchedLines20: ("the whole suite, with 20 lines watched", "the same without", 1.05)
      case .watchedLines500: ("the whole suite, with 500 lines watched", "the same without", 1.15)
      }
    return Comparison(name: name.rawValue, ours: ours, theirs: theirs, target: target)
  }

  /// Runs a comparison. If it fails, what was measured before that stays in it.
  func make(_ name: Benchmark.Name, _ comparison: inout Comparison) async throws {
    switch name {
    case .oneFile: try await oneFile(&comparison)
    case .virtmeNG: try await virtmeNG(&comparison)
    case .tenSeries: try await tenSeries(&comparison)
    case .hotHeader: try await hotHeader(&comparison)
    case .growth: try await growth(&comparison)
    case .freshGuests: try await freshGuests(&comparison)
    case .consoleScan: try await consoleScan(&comparison)
    case .watchedLines20: try await watchedLines(name, 20, &comparison)
    case .watchedLines500: try await watchedLines(name, 500, &comparison)
    }
  }

  func say(_ name: Benchmark.Name, _ pair: Int, _ words: String = "") {
    benchmark.progress("\(name.rawValue): \(pair) of \(benchmark.pairs)\(words)")
  }

  /// Measures both sides once. The sides alternate in which comes first, so that a machine that gets slower or faster
  /// favors neither.
  func pair(
    _ number: Int, ours: () async throws -> Double, theirs: () async throws -> Double
  ) async throws -> Comparison.Pair {
    /// Measures after a sync, so that no pending writes of the other side interfere.
    func settled(_ measure: () async throws -> Double) async throws -> Double {
      await Blocking.run { sync() }
      return try await measure()
    }
    if number % 2 == 1 {
      let theirs = try await settled(theirs)
      return Comparison.Pair(ours: try await settled(ours), theirs: theirs)
    }
    let ours = try await settled(ours)
    return Comparison.Pair(ours: ours, theirs: try await settled(theirs))
  }

  /// Passes `body` a copy of the base's tree, to change in place.
  func withBareTree<Result>(_ body: (BareSteps) async throws -> Result) async throws -> Result {
    benchmark.progress("a copy of the base's tree, for the bare steps")
    return try await benchmark.place.cache.withScratch { scratch in
      let tree = try await SeriesTree.make(base, method: .copy, cage: nil, scratch: scratch)
      let bare = BareSteps(
        base: base, tree: tree, initramfs: initramfs,
        devices: benchmark.checkout.suite.devices, tests: tests.count, jobs: benchmark.jobs, scratch: scratch)
      _ = try await tree.makeByHand(jobs: benchmark.jobs, log: scratch.appending("bare.log"))
      return try await body(bare)
    }
  }
}
